#include "test_image.hpp"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/http/client.hpp"

namespace harmony::fleet_e2e {

namespace {

namespace http = runtime::http;

constexpr std::size_t kBlock = 512;

// The shell stays in front, because a process that is number 1 gets no default signal handling.
constexpr const char* kServe =
    "#!/bin/sh\n"
    "trap 'exit 0' TERM INT\n"
    "echo \"started $GREETING\"\n"
    "while :; do sleep 1000 & wait $!; done\n";

struct Member {
    char type;  // of ustar: '0' a file, '2' a link, '5' a folder
    std::string path;
    std::string content;  // a link's target
};

template <std::size_t N>
void put(std::string& header, std::size_t at, const char (&format)[N], unsigned long value) {
    std::array<char, 24> text{};
    const int length = std::snprintf(text.data(), text.size(), format, value);
    header.replace(at, static_cast<std::size_t>(length), text.data(), static_cast<std::size_t>(length));
}

std::string header_of(const Member& member) {
    std::string header(kBlock, '\0');
    header.replace(0, member.path.size(), member.path);
    put(header, 100, "%07lo", 0755);
    put(header, 108, "%07lo", 0);
    put(header, 116, "%07lo", 0);
    put(header, 124, "%011lo", member.type == '0' ? member.content.size() : 0);
    put(header, 136, "%011lo", 0);
    header.replace(148, 8, 8, ' ');
    header[156] = member.type;
    if (member.type == '2') header.replace(157, member.content.size(), member.content);
    header.replace(257, 5, "ustar");
    header.replace(263, 2, "00");
    unsigned long sum = 0;
    for (const char byte : header)
        sum += static_cast<unsigned char>(byte);
    put(header, 148, "%06lo", sum);
    header[154] = '\0';
    return header;
}

std::string tar_of(const std::vector<Member>& members) {
    std::string tar;
    for (const auto& member : members) {
        tar += header_of(member);
        if (member.type != '0') continue;
        tar += member.content;
        tar.append((kBlock - member.content.size() % kBlock) % kBlock, '\0');
    }
    return tar.append(2 * kBlock, '\0');
}

Result<std::string> test_image(int version) {
    std::ifstream file(kBusybox, std::ios::binary);
    const std::string busybox{std::istreambuf_iterator<char>(file), {}};
    if (busybox.empty()) return failed(std::string(kBusybox) + " cannot be read");
    std::vector<Member> members{{'5', "bin/", ""}, {'5', "tmp/", ""}, {'0', "bin/busybox", busybox}};
    for (const char* program : {"cat", "date", "echo", "env", "head", "ls", "seq", "sh", "sleep", "yes"})
        members.push_back({'2', std::string("bin/") + program, "busybox"});
    members.push_back({'0', "bin/serve", kServe});
    members.push_back({'0', "release", std::to_string(version) + "\n"});
    return tar_of(members);
}

Result<void> import(const std::string& socket, const std::string& image, std::string tar) {
    const auto client = http::make_http_client(http::Endpoint::unix_socket(socket));
    http::Request request;
    request.method = "POST";
    request.target = "/v4.0.0/libpod/images/import?reference=" + http::percent_encode(image) +
                     "&changes=" + http::percent_encode("CMD [\"/bin/serve\"]") +
                     "&changes=" + http::percent_encode("ENV PATH=/bin");
    request.headers = {{"Content-Type", "application/x-tar"}};
    request.body = std::move(tar);
    http::RequestLimits limits;
    limits.deadline = 60s;
    const auto answer = client->request(request, limits);
    if (!answer) return failed(answer.error());
    if (answer->status == 200) return {};
    return failed("podman refuses to import " + image + ": " + answer->body);
}

}  // namespace

bool has_busybox() {
    std::error_code absent;
    return std::filesystem::exists(kBusybox, absent);
}

Result<std::string> import_test_image(plugin::ContainerRuntime& containers, int version) {
    auto tar = test_image(version);
    if (!tar) return plugin::failure(std::move(tar.error()));
    const std::string image = "localhost/harmony/e2e:" + contracts::value_hash(*tar);
    const auto present = containers.image_exists(image);
    if (!present) return plugin::failure(present.error());
    if (*present) return image;
    const auto endpoint = containers.ensure();
    if (!endpoint) return plugin::failure(endpoint.error());
    if (auto done = import(endpoint->socket, image, std::move(*tar)); !done)
        return plugin::failure(std::move(done.error()));
    return image;
}

}  // namespace harmony::fleet_e2e
