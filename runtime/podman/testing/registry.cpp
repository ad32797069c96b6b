#include "harmony/podman_testing/registry.hpp"

#include <arpa/inet.h>
#include <crypt.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "harmony/http/base64.hpp"
#include "run_program.hpp"

namespace harmony::runtime::podman_testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kProgram = "/usr/bin/docker-registry";
constexpr auto kProgramLimit = 60s;
constexpr auto kStartLimit = 20s;
// The lowest that bcrypt knows: a test's password needs no protection from guessing.
constexpr unsigned long kBcryptRounds = 4;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

std::uint16_t free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    close(fd);
    if (!bound) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
}

bool accepts(std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return connected;
}

std::string random_text() {
    std::random_device entropy;
    std::ostringstream text;
    text << std::hex << entropy() << entropy();
    return text.str();
}

// The registry takes bcrypt only.
std::string bcrypt(const std::string& password) {
    crypt_data data{};
    const std::string salt = random_text() + random_text();
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (crypt_gensalt_rn("$2b$", kBcryptRounds, salt.data(), static_cast<int>(salt.size()), setting,
                         sizeof setting) == nullptr) {
        throw std::runtime_error("this C library has no bcrypt");
    }
    return crypt_r(password.c_str(), setting, &data);
}

}  // namespace

std::string registry_missing_reason() {
    return fs::exists(kProgram) ? std::string() : "the package docker-registry is not installed";
}

struct RegistryFixture::Impl {
    const PodmanServiceFixture& podman;
    fs::path directory;
    std::string address;
    std::string user = "fleet";
    std::string password = "pw-" + random_text();
    std::vector<std::string> images = {};
    pid_t pid = 0;

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(directory / name) << text;
        fs::permissions(directory / name, fs::perms::owner_read | fs::perms::owner_write);
    }
    void podman_does(std::vector<std::string> command) const {
        command.insert(command.begin(), "podman");
        const auto ran = run_program(command, podman.containers_conf_path(), kProgramLimit);
        if (ran.exit_code != 0) throw std::runtime_error("podman " + command[1] + ": " + ran.output);
    }
    ~Impl() {
        end_program(pid);
        for (const std::string& image : images)
            run_program({"podman", "rmi", "--force", image}, podman.containers_conf_path(), kProgramLimit);
        std::error_code ignored;
        fs::remove_all(directory, ignored);
    }
};

RegistryFixture::RegistryFixture(const PodmanServiceFixture& podman) {
    std::string pattern = (fs::temp_directory_path() / "harmony-registry-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    const std::uint16_t port = free_port();
    impl_.reset(new Impl{podman, pattern, "127.0.0.1:" + std::to_string(port)});
    impl_->write("htpasswd", impl_->user + ":" + bcrypt(impl_->password) + "\n");
    impl_->write("auth.json", auth_file_text());
    impl_->write("config.yml", "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: " +
                                   pattern + "/data}}\nhttp: {addr: \"" + impl_->address +
                                   "\"}\nauth: {htpasswd: {realm: test, path: " + pattern + "/htpasswd}}\n");
    impl_->pid = start_program({kProgram, "serve", pattern + "/config.yml"}, "", pattern + "/log");
    const auto deadline = std::chrono::steady_clock::now() + kStartLimit;
    while (!accepts(port)) {
        if (std::chrono::steady_clock::now() > deadline) {
            std::ifstream log(pattern + "/log");
            throw std::runtime_error("the registry does not start: " +
                                     std::string(std::istreambuf_iterator<char>(log), {}));
        }
        std::this_thread::sleep_for(10ms);
    }
}

RegistryFixture::~RegistryFixture() = default;

const std::string& RegistryFixture::address() const {
    return impl_->address;
}
const std::string& RegistryFixture::user() const {
    return impl_->user;
}
const std::string& RegistryFixture::password() const {
    return impl_->password;
}

std::string RegistryFixture::auth_file_text() const {
    return R"({"auths":{")" + impl_->address + R"(":{"auth":")" +
           http::encode_base64(impl_->user + ":" + impl_->password) + "\"}}}\n";
}

std::string RegistryFixture::push(const std::string& name) {
    const std::string image = impl_->address + "/harmony/" + name + ":1";
    impl_->podman_does({"tag", impl_->podman.image(), image});
    impl_->podman_does(
        {"push", "--tls-verify=false", "--authfile", (impl_->directory / "auth.json").string(), image});
    impl_->podman_does({"untag", image, image});
    impl_->images.push_back(image);
    return image;
}

}  // namespace harmony::runtime::podman_testing
