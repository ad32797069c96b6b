#include "harmony/kubernetes/objects.hpp"

#include <algorithm>
#include <ctime>
#include <thread>

#include "channel_frames.hpp"
#include "watch_decoder.hpp"

namespace harmony::runtime::kubernetes {
namespace {

constexpr int kConflictRounds = 8;
constexpr std::chrono::milliseconds kPollInterval{100};
constexpr std::size_t kMaxEventMessage = 1'024;
constexpr std::size_t kMaxExecOutput = 1024 * 1024;

std::string text_at(const Json& object, const char* pointer) {
    const Json::json_pointer path(pointer);
    if (!object.contains(path)) return {};
    const Json& found = object.at(path);
    return found.is_string() ? found.get<std::string>() : std::string{};
}

std::vector<std::string> finalizers_of(const Json& object) {
    std::vector<std::string> names;
    const Json::json_pointer path("/metadata/finalizers");
    if (!object.contains(path) || !object.at(path).is_array()) return names;
    for (const Json& name : object.at(path)) {
        if (name.is_string()) names.push_back(name.get<std::string>());
    }
    return names;
}

ResourceType event_type() {
    return {"", "v1", "events", "Event", true};
}

// FNV-1a: stable across builds, which std::hash is not.
std::string digest(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string hex;
    for (int shift = 60; shift >= 0; shift -= 4)
        hex += kHex[hash >> static_cast<unsigned>(shift) & 15U];
    return hex;
}

std::string second_text(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[40];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// Not in the middle of a character.
std::string shortened(std::string text, std::size_t limit) {
    if (text.size() <= limit) return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U)
        --limit;
    text.resize(limit);
    return text;
}

}  // namespace

Answer<std::vector<Json>> list_all(KubernetesClient& client, const ResourceType& type,
                                   const std::string& name_space, ListOptions options,
                                   const CallLimits& limits) {
    std::vector<Json> items;
    bool began_again = false;
    options.continue_token.clear();
    while (true) {
        auto page = client.list(type, name_space, options, limits);
        if (!page) {
            if (page.error().reason != Reason::Gone || std::exchange(began_again, true))
                return refuse(page.error());
            items.clear();
            options.continue_token.clear();
            continue;
        }
        std::move(page->items.begin(), page->items.end(), std::back_inserter(items));
        if (page->continue_token.empty()) return items;
        options.continue_token = std::move(page->continue_token);
    }
}

Answer<ResourceType> TypeCatalog::find(const std::string& api_version, const std::string& kind,
                                       const CallLimits& limits) {
    const auto look = [&]() -> const ResourceType* {
        const auto types = known_.find(api_version);
        if (types == known_.end()) return nullptr;
        const auto found = std::find_if(types->second.begin(), types->second.end(),
                                        [&](const ResourceType& type) { return type.kind == kind; });
        return found == types->second.end() ? nullptr : &*found;
    };
    if (const ResourceType* type = look()) return *type;
    auto types = client_.discover(api_version, limits);
    if (!types && types.error().reason != Reason::NotFound) return refuse(types.error());
    if (types) known_[api_version] = std::move(*types);
    if (const ResourceType* type = look()) return *type;
    return refuse(Reason::NotFound, "the server has no kind " + kind + " in " + api_version +
                                        "; is its CustomResourceDefinition installed?");
}

Answer<void> set_finalizer(KubernetesClient& client, const ObjectRef& ref, const std::string& finalizer,
                           bool present, const CallLimits& limits) {
    for (int round = 1;; ++round) {
        auto object = client.get(ref, limits);
        if (!object) {
            if (!present && object.error().reason == Reason::NotFound) return {};
            return refuse(object.error());
        }
        auto names = finalizers_of(*object);
        const auto found = std::find(names.begin(), names.end(), finalizer);
        if ((found != names.end()) == present) return {};
        if (present) {
            names.push_back(finalizer);
        } else {
            names.erase(found);
        }
        // With the version, so that a finalizer that somebody else sets meanwhile is not lost.
        const Json body{
            {"metadata", {{"finalizers", names}, {"resourceVersion", resource_version_of(*object)}}}};
        const auto patched = client.patch(ref, PatchKind::MergePatch, body, {}, limits);
        if (patched) return {};
        const Reason reason = patched.error().reason;
        if (!present && reason == Reason::NotFound) return {};
        if (reason != Reason::Conflict || round == kConflictRounds) return refuse(patched.error());
    }
}

Answer<void> wait_until_gone(KubernetesClient& client, const ObjectRef& ref,
                             std::chrono::milliseconds deadline, const std::string& uid) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    while (true) {
        CallLimits limits;
        limits.deadline = std::max(deadline, std::chrono::milliseconds(1'000));
        const auto object = client.get(ref, limits);
        if (!object) {
            if (object.error().reason == Reason::NotFound) return {};
            return refuse(object.error());
        }
        if (!uid.empty() && text_at(*object, "/metadata/uid") != uid) return {};
        if (std::chrono::steady_clock::now() >= until) {
            std::string text = ref.type.kind + " " + ref.name + ": still there";
            std::string kept;
            for (const std::string& name : finalizers_of(*object))
                kept += (kept.empty() ? "" : ", ") + name;
            if (!kept.empty()) text += ", kept by the finalizers " + kept;
            return refuse(Reason::Timeout, text);
        }
        std::this_thread::sleep_for(kPollInterval);
    }
}

Json make_event(const Json& involved, const EventNote& note, std::chrono::system_clock::time_point now) {
    const std::string name = text_at(involved, "/metadata/name");
    const std::string name_space = text_at(involved, "/metadata/namespace");
    const std::string message = shortened(note.message, kMaxEventMessage);
    const std::string stamp = second_text(now);
    const std::string identity = text_at(involved, "/metadata/uid") + "/" + note.reason + "/" + message;
    // Events of objects that are in no namespace are kept in `default`.
    const std::string home = name_space.empty() ? "default" : name_space;
    Json reference{{"apiVersion", text_at(involved, "/apiVersion")},
                   {"kind", text_at(involved, "/kind")},
                   {"name", name},
                   {"uid", text_at(involved, "/metadata/uid")}};
    if (!name_space.empty()) reference["namespace"] = name_space;
    return {{"apiVersion", "v1"},
            {"kind", "Event"},
            {"metadata", {{"name", shortened(name, 230) + "." + digest(identity)}, {"namespace", home}}},
            {"involvedObject", std::move(reference)},
            {"type", note.warning ? "Warning" : "Normal"},
            {"reason", note.reason},
            {"message", message},
            {"source", {{"component", note.component}}},
            {"firstTimestamp", stamp},
            {"lastTimestamp", stamp},
            {"count", 1}};
}

Answer<void> record_event(KubernetesClient& client, const Json& involved, const EventNote& note,
                          std::chrono::system_clock::time_point now, const CallLimits& limits) {
    const Json event = make_event(involved, note, now);
    const ObjectRef ref{event_type(), text_at(event, "/metadata/namespace"),
                        text_at(event, "/metadata/name")};
    const auto created = client.create(ref, event, {}, limits);
    if (created) return {};
    if (created.error().reason != Reason::AlreadyExists) return refuse(created.error());
    const auto known = client.get(ref, limits);
    if (!known) return refuse(known.error());
    const Json count = known->value("count", Json(1));
    const std::int64_t raised = count.is_number_integer() ? count.get<std::int64_t>() + 1 : 2;
    const Json change{{"count", raised}, {"lastTimestamp", event["lastTimestamp"]}};
    const auto patched = client.patch(ref, PatchKind::MergePatch, change, {}, limits);
    if (!patched) return refuse(patched.error());
    return {};
}

Answer<ExecOutcome> exec(KubernetesClient& client, const PodRef& pod, const ExecRequest& request,
                         const CallLimits& limits) {
    const auto until = std::chrono::steady_clock::now() + limits.deadline;
    auto stream = client.channels(pod, request, limits);
    if (!stream) return refuse(stream.error());
    ExecOutcome outcome;
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        auto message = (*stream)->receive(std::max(left, std::chrono::milliseconds(0)));
        if (!message) return refuse(message.error());
        if (!*message) return refuse(Reason::Unavailable, "exec in " + pod.name + ": ended without a status");
        ChannelMessage& frame = **message;
        if (frame.channel == kExecStatus && !frame.bytes.empty()) {
            const auto code = decode_exec_status(frame.bytes);
            if (!code) return refuse(code.error());
            outcome.exit_code = *code;
            return outcome;
        }
        if (frame.channel != kStdout && frame.channel != kStderr) continue;
        std::string& output = frame.channel == kStdout ? outcome.standard_output : outcome.standard_error;
        output.append(frame.bytes, 0, kMaxExecOutput - std::min(kMaxExecOutput, output.size()));
    }
}

}  // namespace harmony::runtime::kubernetes
