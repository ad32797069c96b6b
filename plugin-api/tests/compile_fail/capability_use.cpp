#include <harmony/capability/process_host.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/plugin.hpp>

using namespace harmony::plugin;

Result<void> read_secret(ScoreRun<NoParameters, ProcessHost>& run) {
    auto daemons = run.use<ProcessHost>().list();
    if (!daemons) return failure(daemons.error());
#ifdef USE_UNDECLARED
    auto secret = run.use<SecretStore>().get("a");
    if (!secret) return failure(secret.error());
#endif
    return {};
}
