#include "subscription.hpp"

#include <exception>
#include <utility>

namespace harmony::runtime::nats {
namespace {

using SharedSubscription = std::shared_ptr<NatsSubscription>;

std::uint64_t dropped_by(natsSubscription* handle) {
    std::int64_t count = 0;
    if (handle == nullptr || natsSubscription_GetDropped(handle, &count) != NATS_OK) return 0;
    return static_cast<std::uint64_t>(count);
}

}  // namespace

NatsSubscription::~NatsSubscription() {
    if (handle_ != nullptr) natsSubscription_Destroy(handle_);
}

// The closure keeps this object alive until nats.c says that it delivers no more.
Result<void> NatsSubscription::attach(const Handle& connection) {
    auto closure = std::make_unique<SharedSubscription>(shared_from_this());
    natsSubscription* raw = nullptr;
    const natsStatus status =
        options_.queue_group.empty()
            ? natsConnection_Subscribe(&raw, connection.get(), subject_.c_str(), deliver, closure.get())
            : natsConnection_QueueSubscribe(&raw, connection.get(), subject_.c_str(),
                                            options_.queue_group.c_str(), deliver, closure.get());
    if (status != NATS_OK) return fail(to_error(status, "subscribe to " + subject_));
    natsSubscription_SetPendingLimits(raw, options_.max_pending_messages, options_.max_pending_bytes);
    auto* const leaked = closure.release();
    if (natsSubscription_SetOnCompleteCB(raw, complete, leaked) != NATS_OK) {
        // Closed already: the delivering thread may still hold the closure, so it stays.
        natsSubscription_Destroy(raw);
        return fail(ErrorKind::Unavailable, "subscribe to " + subject_ + ": the connection closed");
    }
    natsSubscription* previous = nullptr;
    {
        const std::lock_guard lock(handle_mutex_);
        dropped_before_ += dropped_by(handle_);
        previous = std::exchange(handle_, raw);
        connection_ = connection;
    }
    if (previous != nullptr) natsSubscription_Destroy(previous);
    return {};
}

void NatsSubscription::deliver(natsConnection*, natsSubscription*, natsMsg* raw, void* closure) {
    const MsgPtr msg(raw);
    const SharedSubscription self = *static_cast<SharedSubscription*>(closure);
    self->handle(msg.get());
}

void NatsSubscription::complete(void* closure) {
    delete static_cast<SharedSubscription*>(closure);
}

void NatsSubscription::handle(natsMsg* msg) {
    const std::lock_guard lock(running_);
    if (!active_) return;
    try {
        handler_(to_message(msg));
    } catch (const std::exception& exception) {
        on_error_(Error(ErrorKind::Internal, "handler of " + subject_ + ": " + exception.what()));
    }
}

void NatsSubscription::end() {
    {
        const std::lock_guard lock(running_);
        active_ = false;
    }
    natsSubscription* handle = nullptr;
    Handle connection;
    {
        const std::lock_guard lock(handle_mutex_);
        handle = std::exchange(handle_, nullptr);
        connection = std::exchange(connection_, nullptr);
    }
    if (handle != nullptr) natsSubscription_Destroy(handle);
}

std::uint64_t NatsSubscription::dropped() const {
    const std::lock_guard lock(handle_mutex_);
    return dropped_before_ + dropped_by(handle_);
}

}  // namespace harmony::runtime::nats
