#include "secret_objects.hpp"

#include <sys/random.h>

#include <algorithm>

#include "diagnostics.hpp"
#include "harmony/http/base64.hpp"
#include "inventory.hpp"
#include "object_fields.hpp"
#include "removal.hpp"

namespace harmony::cluster {
namespace {

using plugin::Result;
namespace http = runtime::http;

constexpr const char* kValueKey = "value";
constexpr std::size_t kLongestName = 253;
constexpr int kConflictRounds = 8;
constexpr std::chrono::seconds kNamespaceDeadline{60};

Labels secret_labels(const std::string& context) {
    Labels labels = context_labels(context);
    labels.emplace(kSecretLabel, "true");
    return labels;
}

Result<std::string> random_text(int bytes) {
    std::string raw(static_cast<std::size_t>(bytes), '\0');
    // Up to 256 bytes come whole.
    for (std::size_t have = 0; have < raw.size();) {
        const ssize_t got = ::getrandom(raw.data() + have, std::min<std::size_t>(raw.size() - have, 256), 0);
        if (got < 0) return plugin::failure("secret-store.failed", "the kernel gives no random bytes");
        have += static_cast<std::size_t>(got);
    }
    std::string text = http::encode_base64_url(raw);
    text.erase(std::find(text.begin(), text.end(), '='), text.end());
    return text;
}

Result<std::string> value_of(const json& object, const std::string& name) {
    const auto value = http::decode_base64(text_at(object, {"data", kValueKey}));
    if (at(object, {"data", kValueKey}).is_string() && value) return *value;
    return plugin::failure("secret-store.damaged",
                           "the Secret " + text_at(object, {"metadata", "name"}) + " of secret " + name +
                               " has no usable field data." + kValueKey,
                           "delete that Secret, or put the secret anew");
}

tl::unexpected<plugin::Diagnostic> not_found(const std::string& name) {
    return plugin::failure(std::string(plugin::SecretStore::kNotFound), "there is no secret " + name);
}

}  // namespace

Result<std::string> secret_object_name(const std::string& context, const std::string& name) {
    std::string object = "harmony." + context + "." + name;
    std::replace(object.begin(), object.end(), '/', '.');
    const bool edges = object.find(".-") != std::string::npos || object.find("-.") != std::string::npos ||
                       object.ends_with('-');
    if (!edges && object.size() <= kLongestName) return object;
    return plugin::invalid_parameter(
        "name", "the secret " + name +
                    " can't be the name of a Secret: expected words that begin and end "
                    "with a letter or digit, and at most 253 characters with the context");
}

Result<api::ObjectRef> SecretObjects::ref(const std::string& name) {
    auto connected = session_.connection();
    if (!connected) return plugin::failure(std::move(connected.error()));
    auto object = secret_object_name(session_.context(), name);
    if (!object) return plugin::failure(std::move(object.error()));
    return api::ObjectRef{{"", "v1", "secrets", "Secret", true}, (*connected)->name_space, *object};
}

Result<std::optional<json>> SecretObjects::read(const api::ObjectRef& ref) {
    auto object = session_.read(ref);
    if (!object || !*object || carries(**object, secret_labels(session_.context()))) return object;
    return plugin::failure("kubernetes.not-ours",
                           "the Secret " + ref.name + " in namespace " + ref.name_space +
                               " was not made by context " + session_.context(),
                           "use another namespace, or delete that Secret");
}

json SecretObjects::secret(const api::ObjectRef& ref, const std::string& name, const std::string& value) {
    json metadata{
        {"name", ref.name}, {"namespace", ref.name_space}, {"labels", secret_labels(session_.context())}};
    metadata["annotations"][std::string(kSecretNameAnnotation)] = name;
    return {{"apiVersion", "v1"},
            {"kind", "Secret"},
            {"type", "Opaque"},
            {"metadata", std::move(metadata)},
            {"data", {{kValueKey, http::encode_base64(value)}}}};
}

Result<api::Answer<json>> SecretObjects::create(const api::ObjectRef& ref, const std::string& name,
                                                const std::string& value) {
    api::KubernetesClient& client = *(*session_.connection())->client;
    const json wanted = secret(ref, name, value);
    const api::WriteOptions options{.field_manager = kFieldManager};
    auto made = client.create(ref, wanted, options, session_.limits());
    if (made || made.error().reason != api::Reason::NotFound) return made;
    // What a creation does not find is its namespace.
    auto ready = ensure_namespace(session_, ref.name_space, kNamespaceDeadline);
    if (!ready) return plugin::failure(std::move(ready.error()));
    return client.create(ref, wanted, options, session_.limits());
}

Result<std::string> SecretObjects::get(const std::string& name) {
    auto target = ref(name);
    if (!target) return plugin::failure(std::move(target.error()));
    auto object = read(*target);
    if (!object) return plugin::failure(std::move(object.error()));
    if (!*object) return not_found(name);
    return value_of(**object, name);
}

Result<std::vector<std::string>> SecretObjects::list(const std::string& prefix) {
    auto connected = session_.connection();
    if (!connected) return plugin::failure(std::move(connected.error()));
    const Labels labels = secret_labels(session_.context());
    const api::ResourceType secrets{"", "v1", "secrets", "Secret", true};
    auto found = api::list_all(*(*connected)->client, secrets, (*connected)->name_space,
                               {.label_selector = selector_of(labels)}, session_.limits());
    if (!found) return diagnose(found.error());
    std::vector<std::string> names;
    for (const json& object : *found) {
        const json& annotations = at(object, {"metadata", "annotations"});
        const std::string name = text_at(annotations, {std::string(kSecretNameAnnotation).c_str()});
        if (carries(object, labels) && !name.empty() && name.starts_with(prefix)) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

Result<plugin::EnsuredSecret> SecretObjects::ensure(const std::string& name, int bytes) {
    auto target = ref(name);
    if (!target) return plugin::failure(std::move(target.error()));
    for (int round = 1;; ++round) {
        auto object = read(*target);
        if (!object) return plugin::failure(std::move(object.error()));
        if (*object) {
            auto value = value_of(**object, name);
            if (!value) return plugin::failure(std::move(value.error()));
            return plugin::EnsuredSecret{std::move(*value), false};
        }
        auto value = random_text(bytes);
        if (!value) return plugin::failure(std::move(value.error()));
        auto made = create(*target, name, *value);
        if (!made) return plugin::failure(std::move(made.error()));
        if (*made) return plugin::EnsuredSecret{std::move(*value), true};
        // Somebody else was faster: theirs counts.
        if (made->error().reason != api::Reason::AlreadyExists || round == kConflictRounds)
            return diagnose(made->error());
    }
}

Result<void> SecretObjects::put(const std::string& name, const std::string& value) {
    auto target = ref(name);
    if (!target) return plugin::failure(std::move(target.error()));
    for (int round = 1;; ++round) {
        auto object = read(*target);
        if (!object) return plugin::failure(std::move(object.error()));
        Result<api::Answer<json>> done{api::Answer<json>(api::refuse(api::Reason::Conflict, {}))};
        if (*object) {
            json next = std::move(**object);
            next["data"] = {{kValueKey, http::encode_base64(value)}};
            done = (*session_.connection())
                       ->client->replace(*target, next, {.field_manager = kFieldManager}, session_.limits());
        } else {
            done = create(*target, name, value);
        }
        if (!done) return plugin::failure(std::move(done.error()));
        if (*done) return {};
        const api::Reason reason = done->error().reason;
        const bool outrun = reason == api::Reason::Conflict || reason == api::Reason::AlreadyExists ||
                            reason == api::Reason::NotFound;
        if (!outrun || round == kConflictRounds) return diagnose(done->error());
    }
}

Result<bool> SecretObjects::remove(const std::string& name) {
    auto target = ref(name);
    if (!target) return plugin::failure(std::move(target.error()));
    auto object = read(*target);
    if (!object) return plugin::failure(std::move(object.error()));
    if (!*object) return false;
    auto removed =
        (*session_.connection())
            ->client->remove(*target, {.uid = text_at(**object, {"metadata", "uid"})}, session_.limits());
    if (removed) return true;
    if (removed.error().reason == api::Reason::NotFound) return false;
    return diagnose(removed.error());
}

}  // namespace harmony::cluster
