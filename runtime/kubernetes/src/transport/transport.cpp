#include "transport.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <mutex>
#include <thread>

#include "exchange.hpp"
#include "socket.hpp"

namespace harmony::runtime::kubernetes {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

class Delay final : public Cancellable, public std::enable_shared_from_this<Delay> {
 public:
    Delay(asio::io_context& context, std::function<void()> then) : timer_(context), then_(std::move(then)) {}

    void begin(std::chrono::milliseconds delay) {
        asio::post(timer_.get_executor(), [self = shared_from_this(), delay] {
            if (!self->then_) return;
            self->timer_.expires_after(delay);
            self->timer_.async_wait([self](const ErrorCode& error) {
                const auto then = std::exchange(self->then_, {});
                if (!error && then) then();
            });
        });
    }
    void cancel() override {
        asio::post(timer_.get_executor(), [self = shared_from_this()] {
            self->then_ = {};
            self->timer_.cancel();
        });
    }

 private:
    asio::steady_timer timer_;
    std::function<void()> then_;
};

class BeastTransport final : public Transport {
 public:
    BeastTransport(ClusterAccess access, TlsContext tls)
        : work_(asio::make_work_guard(context_)),
          access_(std::make_shared<const ClusterAccess>(std::move(access))),
          tls_(std::move(tls)),
          thread_([this] { context_.run(); }) {}

    ~BeastTransport() override {
        {
            const std::unique_lock lock(blocking_mutex_);
            if (blocking_) blocking_->join();
        }
        context_.stop();
        thread_.join();
    }
    BeastTransport(const BeastTransport&) = delete;
    BeastTransport& operator=(const BeastTransport&) = delete;

    Operation start(WireRequest request, const WireLimits& limits, WireHandlers handlers) override {
        return start_exchange({context_, pool_, [this] { return make_connection(); }}, std::move(request),
                              limits, std::move(handlers));
    }

    Operation after(std::chrono::milliseconds delay, std::function<void()> then) override {
        auto timer = std::make_shared<Delay>(context_, std::move(then));
        timer->begin(delay);
        return timer;
    }

    void post(std::function<void()> work) override { asio::post(context_, std::move(work)); }

    void run_blocking(std::function<void()> work) override {
        const std::unique_lock lock(blocking_mutex_);
        if (!blocking_) blocking_ = std::make_unique<asio::thread_pool>(1);
        asio::post(*blocking_, std::move(work));
    }

    bool on_io_thread() const override { return std::this_thread::get_id() == thread_.get_id(); }

    Wired<std::unique_ptr<WireSocket>> open_socket(WireRequest request, std::string_view protocol,
                                                   WireClock::time_point deadline) override {
        return open_wire_socket(context_, make_connection(), request, protocol, deadline);
    }

    Answer<void> use_client_certificate(const std::string& certificate_pem,
                                        const std::string& key_pem) override {
        ClusterAccess changed = *access_;
        changed.client_certificate_pem = certificate_pem;
        changed.client_key_pem = key_pem;
        auto tls = make_tls_context(changed);
        if (!tls) return refuse(tls.error());
        {
            const std::unique_lock lock(tls_mutex_);
            tls_ = std::move(*tls);
        }
        asio::post(context_, [this] { pool_.clear(); });
        return {};
    }

 private:
    std::shared_ptr<Connection> make_connection() {
        const std::unique_lock lock(tls_mutex_);
        return std::make_shared<Connection>(context_, tls_, access_);
    }

    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    const std::shared_ptr<const ClusterAccess> access_;
    ConnectionPool pool_;  // I/O thread only
    std::mutex tls_mutex_;
    TlsContext tls_;
    std::mutex blocking_mutex_;
    std::unique_ptr<asio::thread_pool> blocking_;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace

Answer<std::unique_ptr<Transport>> make_transport(const ClusterAccess& access) {
    auto tls = make_tls_context(access);
    if (!tls) return refuse(tls.error());
    return std::make_unique<BeastTransport>(access, std::move(*tls));
}

}  // namespace harmony::runtime::kubernetes
