// The pieces of nats.c that more than one source of this library touches.
#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>
#include <string_view>

#include "harmony/nats/connection.hpp"

namespace harmony::runtime::nats {

struct OptionsDeleter {
    void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
struct MsgDeleter {
    void operator()(natsMsg* msg) const { natsMsg_Destroy(msg); }
};
using OptionsPtr = std::unique_ptr<natsOptions, OptionsDeleter>;
using MsgPtr = std::unique_ptr<natsMsg, MsgDeleter>;
using Handle = std::shared_ptr<natsConnection>;

Error to_error(natsStatus status, std::string context);
Message to_message(natsMsg* msg);
Result<MsgPtr> to_nats_msg(const Message& message);

// Callbacks of nats.c; `closure` is what each of them receives.
struct RawCallbacks {
    natsConnectionHandler connected;
    natsConnectionHandler reconnected;
    natsConnectionHandler disconnected;
    natsConnectionHandler closed;
    natsErrHandler error;
    natsCustomReconnectDelayHandler delay;
    void* closure;
};

// `retry_first` turns a failed first connect into background attempts.
Result<OptionsPtr> make_options(const ConnectionOptions& options, const RawCallbacks& callbacks,
                                bool retry_first);

}  // namespace harmony::runtime::nats
