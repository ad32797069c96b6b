#include "server_config.hpp"

namespace harmony::fleet_nats {

namespace {

std::string quote(std::string_view text) {
    std::string result = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') result += '\\';
        result += character;
    }
    return result + '"';
}

std::string allow_list(const char* verb, const std::vector<std::string>& subjects) {
    std::string text = std::string("      ") + verb + ": { allow: [\n";
    for (const auto& subject : subjects)
        text += "        " + quote(subject) + "\n";
    return text + "      ] }\n";
}

std::string user_entry(const ServerUser& user) {
    std::string text =
        "  {\n    user: " + quote(user.name) + "\n    password: " + quote(user.password) + "\n";
    if (!user.unrestricted) {
        const auto& permissions = user.permissions;
        text += "    permissions: {\n";
        text += allow_list("publish", permissions.publish);
        text += allow_list("subscribe", permissions.subscribe);
        text += "      allow_responses: { max: " + std::to_string(permissions.responses.max_messages) +
                ", expires: \"" + std::to_string(permissions.responses.expires.count()) + "s\" }\n";
        text += "    }\n";
    }
    return text + "  }\n";
}

}  // namespace

std::string server_config(const ServerSettings& settings, const ServerPlace& place) {
    return "server_name: \"fleet-nats\"\n"
           "listen: " +
           quote(place.listen) + "\nhttp: " + quote(place.monitor) +
           "\n"
           "jetstream: {\n"
           "  store_dir: " +
           quote(place.data + "/jetstream") +
           "\n"
           "  max_memory_store: " +
           std::to_string(settings.memory_mib) +
           "MiB\n"
           "  max_file_store: " +
           std::to_string(settings.storage_mib) +
           "MiB\n"
           "  sync_interval: \"" +
           std::to_string(settings.sync_interval_s) +
           "s\"\n"
           "}\n"
           // The operator writes to many devices over one connection, and has one subscription per device
           // open.
           "max_subscriptions: 0\n"
           "max_pending: 256MiB\n" +
           (place.system_account ? std::string("include \"./") + kSystemFile + "\"\n" : std::string()) +
           "authorization: {\n"
           "  include \"./users.conf\"\n"
           "}\n";
}

std::string system_config(const std::string& password, const std::string& revision) {
    return "system_account: \"SYS\"\n"
           "accounts: { SYS: { users: [ { user: " +
           quote(kSystemUser) + ", password: " + quote(password) +
           " } ] } }\n"
           "server_tags: [ " +
           quote(revision) + " ]\n";
}

std::string users_config(const std::vector<ServerUser>& users) {
    std::string text = "users: [\n";
    for (const auto& user : users)
        text += user_entry(user);
    return text + "]\n";
}

}  // namespace harmony::fleet_nats
