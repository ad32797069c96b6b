// One subscription through all lives of its connection.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "nats_c.hpp"

namespace harmony::runtime::nats {

class NatsSubscription final : public Subscription::State,
                               public std::enable_shared_from_this<NatsSubscription> {
 public:
    using ErrorSink = std::function<void(const Error&)>;

    NatsSubscription(std::string subject, MessageHandler handler, SubscribeOptions options,
                     ErrorSink on_error)
        : subject_(std::move(subject)),
          handler_(std::move(handler)),
          options_(std::move(options)),
          on_error_(std::move(on_error)) {}
    ~NatsSubscription() override;

    // Subscribes on this connection; an earlier one's subscription is let go.
    Result<void> attach(const Handle& connection);

    void end() override;
    [[nodiscard]] std::uint64_t dropped() const override;

 private:
    static void deliver(natsConnection*, natsSubscription*, natsMsg* raw, void* closure);
    static void complete(void* closure);
    void handle(natsMsg* msg);

    const std::string subject_;
    const MessageHandler handler_;
    const SubscribeOptions options_;
    const ErrorSink on_error_;

    // Held while the handler runs, so that end() waits for it; recursive, so that the handler may end itself.
    std::recursive_mutex running_;
    bool active_ = true;

    mutable std::mutex handle_mutex_;
    natsSubscription* handle_ = nullptr;
    Handle connection_;  // a subscription of nats.c must not outlive its connection
    std::uint64_t dropped_before_ = 0;
};

}  // namespace harmony::runtime::nats
