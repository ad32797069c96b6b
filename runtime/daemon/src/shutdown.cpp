#include "harmony/daemon/shutdown.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

namespace harmony::runtime::daemon {

struct ShutdownSignals::Impl {
    int signals = -1;
    int finish = -1;  // eventfd that ends the thread
    std::stop_source source;
    std::mutex mutex;
    std::condition_variable stopped;
    bool stopping = false;
    int reason = 0;
    std::thread thread;

    ~Impl() {
        if (thread.joinable()) {
            const std::uint64_t one = 1;
            while (write(finish, &one, sizeof one) < 0 && errno == EINTR) {
            }
            thread.join();
        }
        if (signals >= 0) close(signals);
        if (finish >= 0) close(finish);
    }

    void stop(int signal) {
        {
            const std::lock_guard lock(mutex);
            if (stopping) return;
            stopping = true;
            reason = signal;
        }
        stopped.notify_all();
        source.request_stop();
    }

    void on_signal(int signal) {
        if (signal == SIGHUP) return;  // reserved: a daemon outlives the terminal that started it
        bool second = false;
        {
            const std::lock_guard lock(mutex);
            second = stopping && reason != 0;
        }
        if (second) _exit(128 + signal);
        stop(signal);
    }

    void run() {
        while (true) {
            pollfd waiting[] = {{signals, POLLIN, 0}, {finish, POLLIN, 0}};
            if (poll(waiting, 2, -1) < 0 && errno != EINTR) return;
            if (waiting[1].revents != 0) return;
            signalfd_siginfo info{};
            if (waiting[0].revents == 0 || read(signals, &info, sizeof info) != sizeof info) continue;
            on_signal(static_cast<int>(info.ssi_signo));
        }
    }
};

ShutdownSignals::ShutdownSignals(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ShutdownSignals::~ShutdownSignals() = default;

Result<std::unique_ptr<ShutdownSignals>> ShutdownSignals::install() {
    sigset_t handled;
    sigemptyset(&handled);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        sigaddset(&handled, signal);
    ::signal(SIGPIPE, SIG_IGN);
    auto impl = std::make_unique<Impl>();
    if (pthread_sigmask(SIG_BLOCK, &handled, nullptr) == 0) {
        impl->signals = signalfd(-1, &handled, SFD_CLOEXEC);
        impl->finish = eventfd(0, EFD_CLOEXEC);
    }
    if (impl->signals < 0 || impl->finish < 0) {
        return fail(ErrorKind::Io, std::string("signals: ") + std::strerror(errno));
    }
    impl->thread = std::thread([raw = impl.get()] { raw->run(); });
    return std::unique_ptr<ShutdownSignals>(new ShutdownSignals(std::move(impl)));
}

std::stop_token ShutdownSignals::token() const {
    return impl_->source.get_token();
}
void ShutdownSignals::request_stop() {
    impl_->stop(0);
}

int ShutdownSignals::wait() {
    std::unique_lock lock(impl_->mutex);
    impl_->stopped.wait(lock, [&] { return impl_->stopping; });
    return impl_->reason;
}

std::optional<int> ShutdownSignals::wait_for(std::chrono::milliseconds timeout) {
    std::unique_lock lock(impl_->mutex);
    if (!impl_->stopped.wait_for(lock, timeout, [&] { return impl_->stopping; })) return std::nullopt;
    return impl_->reason;
}

}  // namespace harmony::runtime::daemon
