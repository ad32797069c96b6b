#include "nats_c.hpp"

#include <cstdlib>
#include <utility>
#include <vector>

namespace harmony::runtime::nats {
namespace {

ErrorKind kind_of(natsStatus status) {
    switch (status) {
        case NATS_TIMEOUT:
            return ErrorKind::Timeout;
        case NATS_NO_RESPONDERS:
        case NATS_NOT_FOUND:
            return ErrorKind::NotFound;
        case NATS_CONNECTION_AUTH_FAILED:
        case NATS_NOT_PERMITTED:
            return ErrorKind::PermissionDenied;
        case NATS_INVALID_ARG:
        case NATS_INVALID_SUBJECT:
        case NATS_ADDRESS_MISSING:
        case NATS_MAX_PAYLOAD:
            return ErrorKind::InvalidInput;
        case NATS_CONNECTION_CLOSED:
        case NATS_CONNECTION_DISCONNECTED:
        case NATS_NOT_YET_CONNECTED:
        case NATS_NO_SERVER:
        case NATS_STALE_CONNECTION:
        case NATS_IO_ERROR:
        case NATS_INSUFFICIENT_BUFFER:
        case NATS_SLOW_CONSUMER:
        case NATS_SECURE_CONNECTION_WANTED:
        case NATS_SECURE_CONNECTION_REQUIRED:
            return ErrorKind::Unavailable;
        default:
            return ErrorKind::Internal;
    }
}

struct FreeDeleter {
    // nats.c hands out arrays made by malloc; the strings inside belong to the message.
    void operator()(const char** array) const {
        std::free(const_cast<void*>(static_cast<const void*>(array)));
    }
};
using StringArray = std::unique_ptr<const char*, FreeDeleter>;

void copy_headers(natsMsg* msg, std::vector<Header>& headers) {
    const char** raw_keys = nullptr;
    int key_count = 0;
    if (natsMsgHeader_Keys(msg, &raw_keys, &key_count) != NATS_OK) return;
    const StringArray keys(raw_keys);
    for (int i = 0; i < key_count; ++i) {
        const char** raw_values = nullptr;
        int value_count = 0;
        if (natsMsgHeader_Values(msg, raw_keys[i], &raw_values, &value_count) != NATS_OK) continue;
        const StringArray values(raw_values);
        for (int j = 0; j < value_count; ++j)
            headers.push_back({raw_keys[i], raw_values[j]});
    }
}

Result<void> check(const ConnectionOptions& options) {
    if (options.urls.empty()) {
        return fail(ErrorKind::InvalidInput, "nats urls: found an empty list, expected at least one URL");
    }
    for (const std::string& url : options.urls) {
        if (url.find(',') != std::string::npos) {
            return fail(ErrorKind::InvalidInput,
                        "nats urls: found a comma in one entry, expected one URL per entry");
        }
        if (url.find('@') != std::string::npos) {
            return fail(ErrorKind::InvalidInput,
                        "nats urls: found credentials in a URL, expected them in their file");
        }
    }
    return {};
}

}  // namespace

Error to_error(natsStatus status, std::string context) {
    return Error(kind_of(status), std::move(context) + ": " + natsStatus_GetText(status));
}

Message to_message(natsMsg* msg) {
    Message message;
    message.subject = natsMsg_GetSubject(msg);
    if (const char* reply = natsMsg_GetReply(msg)) message.reply = reply;
    if (const int length = natsMsg_GetDataLength(msg); length > 0) {
        message.payload.assign(natsMsg_GetData(msg), static_cast<std::size_t>(length));
    }
    copy_headers(msg, message.headers);
    return message;
}

Result<MsgPtr> to_nats_msg(const Message& message) {
    natsMsg* raw = nullptr;
    const natsStatus created =
        natsMsg_Create(&raw, message.subject.c_str(), message.reply.empty() ? nullptr : message.reply.c_str(),
                       message.payload.data(), static_cast<int>(message.payload.size()));
    if (created != NATS_OK) return fail(to_error(created, "message to " + message.subject));
    MsgPtr msg(raw);
    for (const Header& header : message.headers) {
        const natsStatus added = natsMsgHeader_Add(msg.get(), header.name.c_str(), header.value.c_str());
        if (added != NATS_OK) return fail(to_error(added, "header " + header.name));
    }
    return msg;
}

Result<OptionsPtr> make_options(const ConnectionOptions& options, const RawCallbacks& callbacks,
                                bool retry_first) {
    if (auto valid = check(options); !valid) return fail(valid.error());
    natsOptions* raw = nullptr;
    natsStatus status = natsOptions_Create(&raw);
    OptionsPtr made(raw);
    const auto set = [&status](auto function, auto... arguments) {
        if (status == NATS_OK) status = function(arguments...);
    };
    std::vector<const char*> urls;
    for (const std::string& url : options.urls)
        urls.push_back(url.c_str());

    set(natsOptions_SetServers, raw, urls.data(), static_cast<int>(urls.size()));
    if (!options.credentials.user.empty()) {
        set(natsOptions_SetUserInfo, raw, options.credentials.user.c_str(),
            options.credentials.password.c_str());
    }
    if (!options.name.empty()) set(natsOptions_SetName, raw, options.name.c_str());
    if (!options.inbox_prefix.empty())
        set(natsOptions_SetCustomInboxPrefix, raw, options.inbox_prefix.c_str());
    set(natsOptions_SetTimeout, raw, options.connect_timeout.count());
    set(natsOptions_SetPingInterval, raw, options.ping_interval.count());
    set(natsOptions_SetMaxPingsOut, raw, options.max_pings_out);
    set(natsOptions_SetMaxReconnect, raw, -1);
    set(natsOptions_SetReconnectBufSize, raw, options.reconnect_buffer_bytes);
    set(natsOptions_SetIOBufSize, raw, options.io_buffer_bytes);
    set(natsOptions_SetSendAsap, raw, options.write_at_once);
    // A server's own idea of its addresses is often unreachable from outside its cluster.
    set(natsOptions_SetIgnoreDiscoveredServers, raw, true);
    set(natsOptions_SetFailRequestsOnDisconnect, raw, true);
    set(natsOptions_SetCustomReconnectDelay, raw, callbacks.delay, callbacks.closure);
    set(natsOptions_SetReconnectedCB, raw, callbacks.reconnected, callbacks.closure);
    set(natsOptions_SetDisconnectedCB, raw, callbacks.disconnected, callbacks.closure);
    set(natsOptions_SetClosedCB, raw, callbacks.closed, callbacks.closure);
    set(natsOptions_SetErrorHandler, raw, callbacks.error, callbacks.closure);
    if (retry_first)
        set(natsOptions_SetRetryOnFailedConnect, raw, true, callbacks.connected, callbacks.closure);
    if (status != NATS_OK) return fail(to_error(status, "nats options"));
    return made;
}

}  // namespace harmony::runtime::nats
