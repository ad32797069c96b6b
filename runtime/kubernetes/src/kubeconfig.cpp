#include <filesystem>

#include "harmony/http/base64.hpp"
#include "harmony/kubernetes/access.hpp"
#include "server_url.hpp"
#include "yaml_fields.hpp"

namespace harmony::runtime::kubernetes {
namespace {

constexpr std::size_t kMaxKubeconfigBytes = 1024 * 1024;

struct Document {
    std::string folder;
    YamlFields fields;
};

// An entry of clusters, users or contexts, and the folder that its relative paths are below.
struct Entry {
    std::string folder;
    YamlFields fields;
};

Answer<std::vector<Document>> parse_documents(const std::vector<KubeconfigFile>& files) {
    std::vector<Document> documents;
    for (const KubeconfigFile& file : files) {
        if (file.text.size() > kMaxKubeconfigBytes) {
            return refuse(Reason::Configuration, file.path + ": larger than a MiB, not a kubeconfig");
        }
        const std::string folder = std::filesystem::path(file.path).parent_path().string();
        try {
            YAML::Node node = YAML::Load(file.text);
            if (node.IsNull() || !node.IsDefined()) continue;
            if (!node.IsMap()) {
                return refuse(Reason::Configuration,
                              file.path + ": expected a map with clusters, users and contexts");
            }
            documents.push_back({folder, YamlFields(std::move(node), file.path)});
        } catch (const YAML::Exception& exception) {
            // Its text would quote the line, which may be a secret.
            return refuse(Reason::Configuration,
                          file.path + ": not YAML, line " + std::to_string(exception.mark.line + 1));
        }
    }
    return documents;
}

std::string names_of(const std::vector<Document>& documents, const char* list) {
    std::string names;
    for (const Document& document : documents) {
        const auto items = document.fields.maps(list);
        if (!items) continue;
        for (const YamlFields& item : *items) {
            const auto name = item.text("name");
            if (name && !name->empty()) names += (names.empty() ? "" : ", ") + *name;
        }
    }
    return names.empty() ? "none" : names;
}

Answer<Entry> find_entry(const std::vector<Document>& documents, const char* list, const char* member,
                         const std::string& wanted) {
    for (const Document& document : documents) {
        const auto items = document.fields.maps(list);
        if (!items) return refuse(items.error());
        for (const YamlFields& item : *items) {
            const auto name = item.text("name");
            if (!name) return refuse(name.error());
            if (*name != wanted) continue;
            auto fields = item.map(member);
            if (!fields) return refuse(fields.error());
            return Entry{document.folder, std::move(*fields)};
        }
    }
    return refuse(Reason::Configuration, std::string("kubeconfig: no ") + member + " \"" + wanted +
                                             "\"; there are: " + names_of(documents, list));
}

std::string beside(const std::string& folder, const std::string& path) {
    const std::filesystem::path given(path);
    return given.is_absolute() ? path : (std::filesystem::path(folder) / given).string();
}

// `<key>-data` holds base64 and wins over `<key>`, a file.
Answer<std::string> data_or_file(const Entry& entry, const std::string& key, const FileReader& read) {
    const std::string data_key = key + "-data";
    const auto data = entry.fields.text(data_key.c_str());
    if (!data) return data;
    if (!data->empty()) {
        auto bytes = http::decode_base64(*data);
        if (!bytes || bytes->empty()) {
            return refuse(Reason::Configuration, entry.fields.name() + "." + data_key + ": expected base64");
        }
        return std::move(*bytes);
    }
    const auto path = entry.fields.text(key.c_str());
    if (!path || path->empty()) return path;
    auto contents = read(beside(entry.folder, *path));
    if (!contents) {
        Failure failure = contents.error();
        failure.error = failure.error.wrap(entry.fields.name() + "." + key);
        return refuse(std::move(failure));
    }
    return contents;
}

Answer<void> take_cluster(ClusterAccess& access, const Entry& entry, const FileReader& read) {
    const auto server = entry.fields.text("server");
    if (!server) return refuse(server.error());
    auto url = parse_server_url(entry.fields.name() + ".server", *server);
    if (!url) return refuse(url.error());
    access.host = std::move(url->host);
    access.port = url->port;
    access.path_prefix = std::move(url->path_prefix);
    auto authority = data_or_file(entry, "certificate-authority", read);
    if (!authority) return refuse(authority.error());
    access.authority_pem = std::move(*authority);
    access.authority_origin = entry.fields.name() + ".certificate-authority";
    auto server_name = entry.fields.text("tls-server-name");
    if (!server_name) return refuse(server_name.error());
    access.server_name = std::move(*server_name);
    const auto insecure = entry.fields.flag("insecure-skip-tls-verify");
    if (!insecure) return refuse(insecure.error());
    access.insecure = *insecure;
    if (access.insecure && !access.authority_pem.empty()) {
        return refuse(Reason::Configuration,
                      entry.fields.name() +
                          ": found certificate-authority and insecure-skip-tls-verify, "
                          "expected one of them");
    }
    if (entry.fields.has("proxy-url")) {
        return refuse(Reason::Configuration, entry.fields.name() + ".proxy-url: proxies are not supported");
    }
    return {};
}

Answer<ExecPlugin> parse_exec(const YamlFields& fields) {
    ExecPlugin plugin;
    auto command = fields.text("command");
    if (!command) return refuse(command.error());
    if (command->empty()) return refuse(Reason::Configuration, fields.name() + ".command: missing");
    plugin.command = std::move(*command);
    auto arguments = fields.texts("args");
    if (!arguments) return refuse(arguments.error());
    plugin.arguments = std::move(*arguments);
    auto environment = fields.maps("env");
    if (!environment) return refuse(environment.error());
    for (const YamlFields& variable : *environment) {
        const auto name = variable.text("name");
        if (!name) return refuse(name.error());
        const auto value = variable.text("value");
        if (!value) return refuse(value.error());
        plugin.environment.emplace_back(*name, *value);
    }
    auto version = fields.text("apiVersion");
    if (!version) return refuse(version.error());
    plugin.api_version = std::move(*version);
    if (plugin.api_version != "client.authentication.k8s.io/v1" &&
        plugin.api_version != "client.authentication.k8s.io/v1beta1") {
        return refuse(Reason::Configuration, fields.name() +
                                                 ".apiVersion: expected client.authentication.k8s.io/v1 "
                                                 "or /v1beta1");
    }
    const auto mode = fields.text("interactiveMode");
    if (!mode) return refuse(mode.error());
    if (*mode == "Always") {
        return refuse(Reason::Configuration,
                      fields.name() +
                          ".interactiveMode: found Always, but a credential plugin gets no terminal here; "
                          "log in first, and use Never or IfAvailable");
    }
    if (!mode->empty() && *mode != "Never" && *mode != "IfAvailable") {
        return refuse(Reason::Configuration,
                      fields.name() + ".interactiveMode: expected Never, IfAvailable or Always");
    }
    auto hint = fields.text("installHint");
    if (!hint) return refuse(hint.error());
    plugin.install_hint = std::move(*hint);
    const auto info = fields.flag("provideClusterInfo");
    if (!info) return refuse(info.error());
    plugin.provide_cluster_info = *info;
    return plugin;
}

Answer<void> take_user(ClusterAccess& access, const Entry& entry, const FileReader& read) {
    for (const char* gone : {"username", "auth-provider", "as"}) {
        if (entry.fields.has(gone)) {
            return refuse(Reason::Configuration,
                          entry.fields.name() + "." + gone +
                              ": not supported; use a certificate, token, tokenFile or exec");
        }
    }
    auto certificate = data_or_file(entry, "client-certificate", read);
    if (!certificate) return refuse(certificate.error());
    auto key = data_or_file(entry, "client-key", read);
    if (!key) return refuse(key.error());
    if (certificate->empty() != key->empty()) {
        return refuse(Reason::Configuration,
                      entry.fields.name() + ": client-certificate and client-key belong together, found one");
    }
    access.client_certificate_pem = std::move(*certificate);
    access.client_key_pem = std::move(*key);
    auto token = entry.fields.text("token");
    if (!token) return refuse(token.error());
    access.token = std::move(*token);
    const auto token_file = entry.fields.text("tokenFile");
    if (!token_file) return refuse(token_file.error());
    if (!token_file->empty()) access.token_file = beside(entry.folder, *token_file);
    if (!entry.fields.has("exec")) return {};
    const auto exec = entry.fields.map("exec");
    if (!exec) return refuse(exec.error());
    auto plugin = parse_exec(*exec);
    if (!plugin) return refuse(plugin.error());
    // A command with a slash is a file beside the kubeconfig, any other is looked up in PATH.
    if (plugin->command.find('/') != std::string::npos)
        plugin->command = beside(entry.folder, plugin->command);
    access.exec = std::move(*plugin);
    return {};
}

Answer<std::string> chosen_context(const std::vector<Document>& documents, const std::string& wanted) {
    if (!wanted.empty()) return wanted;
    for (const Document& document : documents) {
        auto current = document.fields.text("current-context");
        if (!current || !current->empty()) return current;
    }
    return refuse(Reason::Configuration,
                  "kubeconfig: no current-context; choose one of: " + names_of(documents, "contexts"));
}

}  // namespace

Answer<ClusterAccess> parse_kubeconfig(const std::vector<KubeconfigFile>& files, const std::string& context,
                                       const FileReader& read) {
    const auto documents = parse_documents(files);
    if (!documents) return refuse(documents.error());
    const auto name = chosen_context(*documents, context);
    if (!name) return refuse(name.error());
    const auto entry = find_entry(*documents, "contexts", "context", *name);
    if (!entry) return refuse(entry.error());
    const auto cluster_name = entry->fields.text("cluster");
    if (!cluster_name) return refuse(cluster_name.error());
    const auto user_name = entry->fields.text("user");
    if (!user_name) return refuse(user_name.error());
    const auto name_space = entry->fields.text("namespace");
    if (!name_space) return refuse(name_space.error());

    ClusterAccess access;
    access.origin = "context " + *name;
    if (!name_space->empty()) access.name_space = *name_space;
    const auto cluster = find_entry(*documents, "clusters", "cluster", *cluster_name);
    if (!cluster) return refuse(cluster.error());
    if (const auto taken = take_cluster(access, *cluster, read); !taken) return refuse(taken.error());
    const auto user = find_entry(*documents, "users", "user", *user_name);
    if (!user) return refuse(user.error());
    if (const auto taken = take_user(access, *user, read); !taken) return refuse(taken.error());
    return access;
}

}  // namespace harmony::runtime::kubernetes
