#include "watch.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>

#include "watch_decoder.hpp"
#include "watch_progress.hpp"
#include "wire_failure.hpp"

namespace harmony::runtime::kubernetes {
namespace {

constexpr std::chrono::seconds kListDeadline{60};
constexpr std::chrono::seconds kCredentialDeadline{60};
// Beyond the lifetime that the server was asked to keep.
constexpr std::chrono::seconds kWatchSlack{20};

// Everything but stop() and replays() runs on the I/O thread.
class WatchLoop : public std::enable_shared_from_this<WatchLoop> {
 public:
    WatchLoop(Transport& transport, Credentials& credentials, WatchScope scope, std::string path,
              WatchHandlers handlers, const WatchOptions& options)
        : transport_(transport),
          credentials_(credentials),
          scope_(std::move(scope)),
          path_(std::move(path)),
          handlers_(std::move(handlers)),
          options_(options),
          progress_({options.retry_first, options.retry_max}) {}

    void begin() {
        transport_.post([self = shared_from_this()] { self->perform(self->progress_.begin()); });
    }

    // Returns when no handler runs and none will.
    void stop() {
        stopped_ = true;
        if (transport_.on_io_thread()) {
            end();
            return;
        }
        std::mutex mutex;
        std::condition_variable changed;
        bool ended = false;
        transport_.post([&] {
            end();
            const std::unique_lock lock(mutex);
            ended = true;
            changed.notify_all();
        });
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return ended; });
    }

    std::uint64_t replays() const { return replays_; }

 private:
    void end() {
        if (operation_) operation_->cancel();
        operation_.reset();
        handlers_ = {};
    }

    CallName call(const char* verb) const { return {verb, scope_.type.qualified(), scope_.name_space, {}}; }

    void perform(std::vector<WatchAction> actions) {
        for (WatchAction& action : actions) {
            if (stopped_) return;
            std::visit([this](auto& one) { act(one); }, action);
        }
    }

    void act(TellReplay&) {
        ++replays_;
        if (handlers_.on_replay) handlers_.on_replay();
    }
    void act(TellChange& change) {
        if (handlers_.on_change) handlers_.on_change(change.change, change.object);
    }
    void act(TellCaughtUp&) {
        if (handlers_.on_caught_up) handlers_.on_caught_up();
    }
    void act(TellTrouble& trouble) {
        if (handlers_.on_trouble) handlers_.on_trouble(trouble.failure);
    }
    void act(WaitFor& wait) {
        operation_ = transport_.after(wait.delay, [self = shared_from_this()] {
            if (!self->stopped_) self->perform(self->progress_.on_waited());
        });
    }
    void act(StartList& list) {
        std::string target = path_ + query({{"labelSelector", scope_.label_selector},
                                            {"fieldSelector", scope_.field_selector},
                                            {"limit", std::to_string(options_.page_size)},
                                            {"continue", list.continue_token}});
        authorized("list", [this, target = std::move(target)](std::string authorization) {
            request_page(target, std::move(authorization));
        });
    }
    void act(StartWatch& watch) {
        std::string target =
            path_ + query({{"watch", "true"},
                           {"allowWatchBookmarks", "true"},
                           {"labelSelector", scope_.label_selector},
                           {"fieldSelector", scope_.field_selector},
                           {"resourceVersion", watch.resource_version},
                           {"timeoutSeconds", std::to_string(options_.request_lifetime.count())}});
        authorized("watch", [this, target = std::move(target)](std::string authorization) {
            request_watch(target, std::move(authorization));
        });
    }

    // A plugin runs on the other thread, so that the other watches go on.
    void authorized(const char* verb, std::function<void(std::string)> then) {
        const auto use = [self = shared_from_this(), verb,
                          then = std::move(then)](Answer<std::string> header) {
            if (self->stopped_) return;
            if (!header) {
                Failure failure = header.error();
                failure.error = failure.error.wrap(self->call(verb).text());
                self->perform(self->progress_.on_failure(std::move(failure), self->random()));
                return;
            }
            then(std::move(*header));
        };
        if (auto header = credentials_.at_hand()) {
            use(std::move(*header));
            return;
        }
        transport_.run_blocking([self = shared_from_this(), use] {
            if (self->stopped_) return;
            auto header = self->credentials_.authorization(WireClock::now() + kCredentialDeadline);
            self->transport_.post([use, header = std::move(header)] { use(header); });
        });
    }

    void request_page(const std::string& target, std::string authorization) {
        WireRequest request;
        request.target = target;
        request.authorization = std::move(authorization);
        WireHandlers handlers;
        handlers.on_end = [self = shared_from_this()](const Wired<WireReply>& reply) {
            self->take_page(reply);
        };
        operation_ =
            transport_.start(std::move(request), {WireClock::now() + kListDeadline}, std::move(handlers));
    }

    void take_page(const Wired<WireReply>& reply) {
        if (stopped_) return;
        auto page = judge("list", reply);
        if (!page) {
            perform(progress_.on_failure(std::move(page.error()), random()));
            return;
        }
        auto decoded = decode_page(call("list"), reply->body, scope_.type.api_version(), scope_.type.kind);
        if (!decoded) {
            perform(progress_.on_failure(std::move(decoded.error()), random()));
            return;
        }
        perform(progress_.on_page(std::move(*decoded)));
    }

    void request_watch(const std::string& target, std::string authorization) {
        WireRequest request;
        request.target = target;
        request.authorization = std::move(authorization);
        decoder_.emplace(call("watch"));
        broken_.reset();
        watching_since_ = WireClock::now();
        WireHandlers handlers;
        handlers.on_bytes = [self = shared_from_this()](std::string_view bytes) {
            return self->take_bytes(bytes);
        };
        handlers.on_end = [self = shared_from_this()](const Wired<WireReply>& reply) {
            self->take_end(reply);
        };
        const auto deadline = WireClock::now() + options_.request_lifetime + kWatchSlack;
        operation_ = transport_.start(std::move(request), {deadline}, std::move(handlers));
    }

    bool take_bytes(std::string_view bytes) {
        if (stopped_) return false;
        std::vector<WatchLine> lines;
        const auto fed = decoder_->feed(bytes, lines);
        for (WatchLine& line : lines)
            perform(progress_.on_line(std::move(line)));
        if (!fed) broken_ = fed.error();
        return fed.has_value() && !stopped_;
    }

    void take_end(const Wired<WireReply>& reply) {
        if (stopped_) return;
        if (broken_) {
            perform(progress_.on_failure(*std::exchange(broken_, std::nullopt), random()));
            return;
        }
        if (auto judged = judge("watch", reply); !judged) {
            perform(progress_.on_failure(std::move(judged.error()), random()));
            return;
        }
        const bool lasted = WireClock::now() - watching_since_ >= options_.request_lifetime / 2;
        perform(progress_.on_end(lasted, random()));
    }

    Answer<void> judge(const char* verb, const Wired<WireReply>& reply) {
        if (!reply) return refuse(failure_of(call(verb), reply.error()));
        if (reply->status < 300) return {};
        Failure failure = decode_failure(call(verb), reply->status, reply->body, reply->retry_after);
        if (failure.reason == Reason::Unauthorized) {
            const std::string suspicion = credentials_.suspicion();
            failure.error = Error(failure.error.kind(), failure.error.message() + ": " + suspicion);
            static_cast<void>(credentials_.refused());
        }
        return refuse(std::move(failure));
    }

    double random() { return std::uniform_real_distribution<>(0, 1)(generator_); }

    Transport& transport_;
    Credentials& credentials_;
    const WatchScope scope_;
    const std::string path_;
    WatchHandlers handlers_;
    const WatchOptions options_;
    WatchProgress progress_;
    std::optional<WatchDecoder> decoder_;
    std::optional<Failure> broken_;
    WireClock::time_point watching_since_;
    Operation operation_;
    std::minstd_rand generator_{std::random_device{}()};
    std::atomic<bool> stopped_{false};
    std::atomic<std::uint64_t> replays_{0};
};

class RunningWatch final : public Watch {
 public:
    explicit RunningWatch(std::shared_ptr<WatchLoop> loop) : loop_(std::move(loop)) {}
    ~RunningWatch() override { loop_->stop(); }
    RunningWatch(const RunningWatch&) = delete;
    RunningWatch& operator=(const RunningWatch&) = delete;
    std::uint64_t replays() const override { return loop_->replays(); }

 private:
    std::shared_ptr<WatchLoop> loop_;
};

}  // namespace

Answer<ListPage> decode_page(const CallName& call, const std::string& body, const std::string& api_version,
                             const std::string& kind) {
    Json document = Json::parse(body, nullptr, false);
    const auto malformed = [&](const char* what) {
        return refuse(Reason::Malformed, call.text() + ": " + what);
    };
    if (!document.is_object()) return malformed("the list is no JSON object");
    ListPage page;
    page.resource_version = resource_version_of(document);
    const auto metadata = document.find("metadata");
    if (metadata != document.end() && metadata->is_object()) {
        const auto token = metadata->find("continue");
        if (token != metadata->end() && token->is_string()) page.continue_token = token->get<std::string>();
    }
    const auto items = document.find("items");
    if (items == document.end() || !(items->is_array() || items->is_null()))
        return malformed("items is no list");
    page.items.reserve(items->size());
    for (Json& item : *items) {
        if (!item.is_object()) return malformed("an item is no JSON object");
        // Items of built-in kinds come without them.
        if (!item.contains("apiVersion")) item["apiVersion"] = api_version;
        if (!item.contains("kind")) item["kind"] = kind;
        page.items.push_back(std::move(item));
    }
    return page;
}

Answer<std::unique_ptr<Watch>> start_watch(Transport& transport, Credentials& credentials,
                                           const WatchScope& scope, WatchHandlers handlers,
                                           const WatchOptions& options) {
    auto path = collection_path(scope.type, scope.name_space);
    if (!path) return refuse(path.error());
    auto loop = std::make_shared<WatchLoop>(transport, credentials, scope, std::move(*path),
                                            std::move(handlers), options);
    loop->begin();
    return std::make_unique<RunningWatch>(std::move(loop));
}

}  // namespace harmony::runtime::kubernetes
