// The baseline of the fan-out: nats.c's own asynchronous publish, with nothing of ours in between.
#include <nats/nats.h>

#include "scale.hpp"

namespace harmony::bench {

namespace {

constexpr int kInFlight = 4096;  // as the operator's writer
constexpr std::int64_t kStallMs = 20'000;

void check(natsStatus status, const char* what) {
    if (status != NATS_OK) give_up(std::string(what) + ": " + natsStatus_GetText(status));
}

}  // namespace

void publish_raw(const std::string& url, const std::string& password_file,
                 const std::vector<RawValue>& values) {
    natsOptions* options = nullptr;
    natsConnection* connection = nullptr;
    jsCtx* jetstream = nullptr;
    check(natsOptions_Create(&options), "options");
    check(natsOptions_SetURL(options, url.c_str()), "url");
    if (password_file != "-") {
        std::ifstream file(password_file);
        std::string password;
        if (!std::getline(file, password)) give_up("cannot read " + password_file);
        check(natsOptions_SetUserInfo(options, "admin", password.c_str()), "credentials");
    }
    check(natsConnection_Connect(&connection, options), "connect");
    jsOptions settings;
    check(jsOptions_Init(&settings), "jetstream");
    settings.PublishAsync.MaxPending = kInFlight;
    settings.PublishAsync.StallWait = kStallMs;
    check(natsConnection_JetStream(&jetstream, connection, &settings), "jetstream");
    for (const RawValue& value : values) {
        check(js_PublishAsync(jetstream, value.subject.c_str(), value.payload.data(),
                              static_cast<int>(value.payload.size()), nullptr),
              "publish");
    }
    jsPubOptions patience;
    check(jsPubOptions_Init(&patience), "publish");
    patience.MaxWait = kStallMs;
    check(js_PublishAsyncComplete(jetstream, &patience), "acknowledgements");
    jsCtx_Destroy(jetstream);
    natsConnection_Destroy(connection);
    natsOptions_Destroy(options);
}

}  // namespace harmony::bench
