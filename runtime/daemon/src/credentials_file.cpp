#include "harmony/daemon/credentials_file.hpp"

#include "harmony/daemon/config_reader.hpp"
#include "harmony/daemon/files.hpp"

namespace harmony::runtime::daemon {

Result<UserPassword> read_credentials_file(const std::string& path) {
    const auto text = read_secret_file(path);
    if (!text) return fail(text.error().wrap("credentials.file"));
    auto reader = ConfigReader::parse(*text, path);
    if (!reader) return fail(reader.error());
    UserPassword credentials;
    credentials.user = reader->required_string("nats_user");
    credentials.password = reader->required_string("nats_pass");
    if (auto done = reader->finish(); !done) return fail(done.error());
    return credentials;
}

}  // namespace harmony::runtime::daemon
