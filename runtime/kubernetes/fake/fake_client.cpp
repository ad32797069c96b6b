#include "harmony/kubernetes/fake_client.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "field_owners.hpp"

namespace harmony::runtime::kubernetes {
namespace {

using Key = std::tuple<std::string, std::string, std::string>;  // resource, namespace, name

struct Stored {
    Json object;
    FieldOwners owners;
};

struct PlannedFailure {
    std::string verb;
    int countdown;
    Failure failure;
};

class Server;

struct Watcher {
    WatchScope scope;
    WatchHandlers handlers;
    std::uint64_t replays = 0;
};

bool covers(const WatchScope& scope, const Key& key) {
    return scope.type.qualified() == std::get<0>(key) &&
           (scope.name_space.empty() || scope.name_space == std::get<1>(key));
}

Json& metadata(Json& object) {
    return object["metadata"];
}

class Server final : public FakeKubernetesServer, public std::enable_shared_from_this<Server> {
 public:
    std::unique_ptr<KubernetesClient> connect() override;

    void add_types(const std::string& api_version, std::vector<ResourceType> types) override {
        const std::unique_lock lock(mutex_);
        types_[api_version] = std::move(types);
    }
    std::vector<FakeCall> calls() const override {
        const std::unique_lock lock(mutex_);
        return calls_;
    }
    void fail(std::string_view verb, int nth, Failure failure) override {
        const std::unique_lock lock(mutex_);
        planned_.push_back({std::string(verb), nth, std::move(failure)});
    }
    void interrupt_watches(const Failure& failure) override {
        const std::unique_lock lock(mutex_);
        for (const auto& watcher : watchers_) {
            if (watcher->handlers.on_trouble) watcher->handlers.on_trouble(failure);
            if (failure.reason == Reason::Gone) replay(*watcher);
        }
    }
    void set_logs(const PodRef& pod, std::string text) override {
        const std::unique_lock lock(mutex_);
        logs_[{pod.name_space, pod.name}] = std::move(text);
    }

    // Recursive: a watch handler of a test may look at calls().
    std::unique_lock<std::recursive_mutex> lock() const { return std::unique_lock(mutex_); }

    std::optional<Failure> note(const char* verb, const ObjectRef& ref, const CallLimits& limits,
                                const std::string& subresource = {}) {
        std::string resource = ref.type.qualified();
        if (!subresource.empty()) resource += "/" + subresource;
        calls_.push_back({verb, resource, ref.name_space, ref.name, limits.deadline, limits.attempts});
        for (auto planned = planned_.begin(); planned != planned_.end(); ++planned) {
            if (planned->verb != verb || --planned->countdown > 0) continue;
            Failure failure = std::move(planned->failure);
            planned_.erase(planned);
            return failure;
        }
        return std::nullopt;
    }

    static Key key_of(const ObjectRef& ref) { return {ref.type.qualified(), ref.name_space, ref.name}; }

    Stored* find(const ObjectRef& ref) {
        const auto found = objects_.find(key_of(ref));
        return found == objects_.end() ? nullptr : &found->second;
    }

    static Failure absent(const ObjectRef& ref) {
        Failure failure =
            make_failure(Reason::NotFound, ref.type.qualified() + " \"" + ref.name + "\" not found");
        failure.status = 404;
        return failure;
    }

    Json store(const ObjectRef& ref, Stored next, bool dry_run) {
        const Key key = key_of(ref);
        const auto known = objects_.find(key);
        const bool fresh = known == objects_.end();
        Json& meta = metadata(next.object);
        meta["name"] = ref.name;
        if (!ref.name_space.empty()) meta["namespace"] = ref.name_space;
        if (!meta.contains("uid")) meta["uid"] = "uid-" + std::to_string(version_ + 1);
        // The same again is no change.
        if (!fresh && known->second.object == next.object) return next.object;
        if (dry_run) return next.object;
        meta["resourceVersion"] = std::to_string(++version_);
        Json result = next.object;
        const bool ends = meta.contains("deletionTimestamp") &&
                          (!meta.contains("finalizers") || meta["finalizers"].empty());
        if (ends) {
            objects_.erase(key);
            tell(key, Change::Deleted, result);
            return result;
        }
        objects_[key] = std::move(next);
        tell(key, fresh ? Change::Added : Change::Modified, result);
        return result;
    }

    void erase(const ObjectRef& ref, Stored& stored) {
        Json& meta = metadata(stored.object);
        if (meta.contains("finalizers") && !meta["finalizers"].empty()) {
            if (meta.contains("deletionTimestamp")) return;
            Stored next = stored;
            metadata(next.object)["deletionTimestamp"] = "2026-01-01T00:00:00Z";
            store(ref, std::move(next), false);
            return;
        }
        const Key key = key_of(ref);
        Json object = std::move(stored.object);
        metadata(object)["resourceVersion"] = std::to_string(++version_);
        objects_.erase(key);
        tell(key, Change::Deleted, object);
    }

    ListPage page(const ResourceType& type, const std::string& name_space, const ListOptions& options) const {
        ListPage result;
        result.resource_version = std::to_string(version_);
        const std::size_t start = options.continue_token.empty() ? 0 : std::stoul(options.continue_token);
        std::size_t index = 0;
        for (const auto& [key, stored] : objects_) {
            if (!covers({type, name_space}, key) || index++ < start) continue;
            if (result.items.size() == static_cast<std::size_t>(std::max(options.limit, 1))) {
                result.continue_token = std::to_string(index - 1);
                break;
            }
            result.items.push_back(stored.object);
        }
        return result;
    }

    void replay(Watcher& watcher) {
        ++watcher.replays;
        if (watcher.handlers.on_replay) watcher.handlers.on_replay();
        for (const auto& [key, stored] : objects_) {
            if (covers(watcher.scope, key) && watcher.handlers.on_change)
                watcher.handlers.on_change(Change::Added, stored.object);
        }
        if (watcher.handlers.on_caught_up) watcher.handlers.on_caught_up();
    }

    void tell(const Key& key, Change change, const Json& object) {
        for (const auto& watcher : watchers_) {
            if (covers(watcher->scope, key) && watcher->handlers.on_change)
                watcher->handlers.on_change(change, object);
        }
    }

    std::deque<std::shared_ptr<Watcher>> watchers_;
    std::map<std::string, std::vector<ResourceType>> types_;
    std::map<std::pair<std::string, std::string>, std::string> logs_;

 private:
    mutable std::recursive_mutex mutex_;
    std::map<Key, Stored> objects_;
    std::vector<FakeCall> calls_;
    std::vector<PlannedFailure> planned_;
    std::uint64_t version_ = 0;
};

class FakeWatch final : public Watch {
 public:
    FakeWatch(std::shared_ptr<Server> server, std::shared_ptr<Watcher> watcher)
        : server_(std::move(server)), watcher_(std::move(watcher)) {}
    ~FakeWatch() override {
        const auto lock = server_->lock();
        std::erase(server_->watchers_, watcher_);
    }
    FakeWatch(const FakeWatch&) = delete;
    FakeWatch& operator=(const FakeWatch&) = delete;
    std::uint64_t replays() const override {
        const auto lock = server_->lock();
        return watcher_->replays;
    }

 private:
    std::shared_ptr<Server> server_;
    std::shared_ptr<Watcher> watcher_;
};

class FakeClient final : public KubernetesClient {
 public:
    explicit FakeClient(std::shared_ptr<Server> server) : server_(std::move(server)) {}

    Answer<std::vector<ResourceType>> discover(const std::string& api_version,
                                               const CallLimits& limits) override {
        const auto lock = server_->lock();
        if (auto failure = server_->note("get", {{"", "", "discovery", "", false}, "", api_version}, limits))
            return refuse(std::move(*failure));
        const auto found = server_->types_.find(api_version);
        if (found == server_->types_.end()) return refuse(Reason::NotFound, api_version + " not found");
        return found->second;
    }

    Answer<Json> get(const ObjectRef& ref, const CallLimits& limits) override {
        const auto lock = server_->lock();
        if (auto failure = server_->note("get", ref, limits)) return refuse(std::move(*failure));
        const Stored* stored = server_->find(ref);
        if (stored == nullptr) return refuse(Server::absent(ref));
        return stored->object;
    }

    Answer<ListPage> list(const ResourceType& type, const std::string& name_space, const ListOptions& options,
                          const CallLimits& limits) override {
        const auto lock = server_->lock();
        if (auto failure = server_->note("list", {type, name_space, {}}, limits))
            return refuse(std::move(*failure));
        return server_->page(type, name_space, options);
    }

    Answer<Json> create(const ObjectRef& ref, const Json& object, const WriteOptions& options,
                        const CallLimits& limits) override {
        const auto lock = server_->lock();
        ObjectRef named = ref;
        const Json::json_pointer name("/metadata/name");
        if (object.contains(name)) named.name = object.at(name);
        if (auto failure = server_->note("create", named, limits, options.subresource))
            return refuse(std::move(*failure));
        if (server_->find(named) != nullptr) {
            return refuse(Reason::AlreadyExists,
                          ref.type.qualified() + " \"" + named.name + "\" already exists");
        }
        return server_->store(named, {object, {}}, options.dry_run);
    }

    Answer<Json> replace(const ObjectRef& ref, const Json& object, const WriteOptions& options,
                         const CallLimits& limits) override {
        const auto lock = server_->lock();
        if (auto failure = server_->note("update", ref, limits, options.subresource))
            return refuse(std::move(*failure));
        Stored* stored = server_->find(ref);
        if (stored == nullptr) return refuse(Server::absent(ref));
        if (auto failure = outrun(*stored, object)) return refuse(std::move(*failure));
        Stored next = *stored;
        if (options.subresource.empty()) {
            next.object = object;
        } else {
            next.object[options.subresource] = object.value(options.subresource, Json{});
        }
        return server_->store(ref, std::move(next), options.dry_run);
    }

    Answer<Json> patch(const ObjectRef& ref, PatchKind kind, const Json& body, const WriteOptions& options,
                       const CallLimits& limits) override {
        const auto lock = server_->lock();
        if (auto failure = server_->note("patch", ref, limits, options.subresource))
            return refuse(std::move(*failure));
        Stored* stored = server_->find(ref);
        if (stored == nullptr && kind != PatchKind::Apply) return refuse(Server::absent(ref));
        Stored next = stored == nullptr ? Stored{Json::object(), {}} : *stored;
        if (stored != nullptr) {
            if (auto failure = outrun(*stored, body)) return refuse(std::move(*failure));
        }
        if (kind == PatchKind::Apply) {
            const auto conflicts = next.owners.apply(next.object, body, options.field_manager, options.force);
            if (!conflicts.empty()) {
                Failure failure = make_failure(Reason::Conflict, "fields that other managers own");
                failure.status = 409;
                failure.conflicts = conflicts;
                return refuse(std::move(failure));
            }
        } else if (kind == PatchKind::MergePatch) {
            next.object.merge_patch(body);
        } else {
            next.object = next.object.patch(body);
        }
        return server_->store(ref, std::move(next), options.dry_run);
    }

    Answer<void> remove(const ObjectRef& ref, const DeleteOptions& options,
                        const CallLimits& limits) override {
        const auto lock = server_->lock();
        if (auto failure = server_->note("delete", ref, limits)) return refuse(std::move(*failure));
        Stored* stored = server_->find(ref);
        if (stored == nullptr) return refuse(Server::absent(ref));
        if (!options.uid.empty() && stored->object["metadata"].value("uid", "") != options.uid) {
            return refuse(Reason::Conflict, "the object has another uid");
        }
        if (!options.dry_run) server_->erase(ref, *stored);
        return {};
    }

    Answer<std::unique_ptr<Watch>> watch(const WatchScope& scope, WatchHandlers handlers,
                                         const WatchOptions&) override {
        const auto lock = server_->lock();
        static_cast<void>(server_->note("watch", {scope.type, scope.name_space, {}}, {}));
        auto watcher = std::make_shared<Watcher>(Watcher{scope, std::move(handlers)});
        server_->watchers_.push_back(watcher);
        server_->replay(*watcher);
        return std::make_unique<FakeWatch>(server_, std::move(watcher));
    }

    Answer<std::string> logs(const PodRef& pod, const LogOptions&, const CallLimits&) override {
        const auto lock = server_->lock();
        const auto found = server_->logs_.find({pod.name_space, pod.name});
        if (found == server_->logs_.end())
            return refuse(Reason::NotFound, "pods \"" + pod.name + "\" not found");
        return found->second;
    }

    Answer<std::unique_ptr<ChannelStream>> channels(const PodRef& pod, const ChannelRequest&,
                                                    const CallLimits&) override {
        return refuse(Reason::NotFound, "pods \"" + pod.name + "\" not found: the fake runs none");
    }

 private:
    static std::optional<Failure> outrun(const Stored& stored, const Json& object) {
        const Json::json_pointer version("/metadata/resourceVersion");
        if (!object.is_object() || !object.contains(version)) return std::nullopt;
        if (object.at(version) == stored.object.at(version)) return std::nullopt;
        Failure failure = make_failure(Reason::Conflict, "the object has been modified");
        failure.status = 409;
        return failure;
    }

    std::shared_ptr<Server> server_;
};

std::unique_ptr<KubernetesClient> Server::connect() {
    return std::make_unique<FakeClient>(shared_from_this());
}

}  // namespace

std::shared_ptr<FakeKubernetesServer> FakeKubernetesServer::create() {
    return std::make_shared<Server>();
}

}  // namespace harmony::runtime::kubernetes
