#include "harmony/podman_testing/podman_service.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "run_program.hpp"

namespace harmony::runtime::podman_testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kBusybox = "/bin/busybox";
constexpr auto kProgramLimit = 60s;
constexpr auto kServiceLimit = 15s;

// For machines with cgroups in hybrid mode (crun refuses), without CAP_SYS_RESOURCE (the default limits can't
// be set) and without journald (events).
constexpr const char* kCautiousConf =
    "[containers]\n"
    "default_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n"
    "[engine]\n"
    "runtime = \"runc\"\n"
    "cgroup_manager = \"cgroupfs\"\n"
    "events_logger = \"file\"\n";

std::string random_id() {
    std::random_device entropy;
    std::ostringstream text;
    text << std::hex << entropy();
    return text.str();
}

class TemporaryDirectory {
 public:
    TemporaryDirectory() {
        std::string pattern = (fs::temp_directory_path() / "harmony-podman-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
        path_ = pattern;
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    [[nodiscard]] const fs::path& path() const { return path_; }

 private:
    fs::path path_;
};

ProgramResult import_image(const fs::path& directory, const std::string& image, const std::string& conf) {
    const fs::path root = directory / "root";
    const fs::path archive = directory / "root.tar";
    fs::create_directories(root / "bin");
    for (const char* folder : {"etc", "tmp", "dev", "proc", "sys", "run"})
        fs::create_directories(root / folder);
    fs::copy_file(kBusybox, root / "bin/busybox", fs::copy_options::overwrite_existing);
    for (const char* applet :
         {"sh", "sleep", "true", "false", "echo", "cat", "httpd", "env", "kill", "ls", "wget"}) {
        std::error_code existing;
        fs::create_symlink("busybox", root / "bin" / applet, existing);
    }
    auto packed = run_program({"tar", "-C", root.string(), "-cf", archive.string(), "."}, "", kProgramLimit);
    if (packed.exit_code != 0) return packed;
    return run_program({"podman", "import", "--change", "CMD [\"/bin/sleep\",\"3600\"]", "--change",
                        "ENV PATH=/bin", archive.string(), image},
                       conf, kProgramLimit);
}

ProgramResult trial(const std::string& image, const std::string& conf) {
    auto ran = run_program({"podman", "run", "--rm", image, "/bin/true"}, conf, kProgramLimit);
    if (ran.exit_code != 0) return ran;
    return run_program({"podman", "events", "--stream=false", "--since", "1m"}, conf, kProgramLimit);
}

Result<TrialOutcome> try_out() {
    const TemporaryDirectory directory;
    const std::string conf = (directory.path() / "containers.conf").string();
    std::ofstream(conf) << kCautiousConf;
    const std::string image = "localhost/harmony-trial-" + random_id() + ":latest";
    const auto imported = import_image(directory.path(), image, conf);
    if (imported.exit_code != 0) return fail(ErrorKind::Unavailable, "podman import: " + imported.output);
    const auto with_defaults = trial(image, "");
    const auto with_conf = with_defaults.exit_code == 0 ? with_defaults : trial(image, conf);
    run_program({"podman", "rmi", "--force", image}, conf, kProgramLimit);
    if (with_defaults.exit_code == 0) return TrialOutcome{.defaults_work = true, .containers_conf = {}};
    if (with_conf.exit_code == 0)
        return TrialOutcome{.defaults_work = false, .containers_conf = kCautiousConf};
    return fail(ErrorKind::Unavailable,
                "no container runs here; with podman's defaults: " + with_defaults.output +
                    "; with runc, cgroupfs and small limits: " + with_conf.output);
}

bool accepts(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return connected;
}

}  // namespace

std::string podman_missing_reason() {
    const auto version = run_program({"podman", "--version"}, "", kProgramLimit);
    if (version.exit_code != 0) return "podman is not installed";
    if (!fs::exists(kBusybox)) return "the package busybox-static is not installed";
    return {};
}

Result<TrialOutcome> find_working_containers_conf() {
    static const Result<TrialOutcome> outcome = try_out();
    return outcome;
}

struct PodmanServiceFixture::Impl {
    TemporaryDirectory directory;
    std::string id = random_id();
    std::string image = "localhost/harmony-test-" + id + ":latest";
    std::string socket = (directory.path() / "podman.sock").string();
    std::string conf;
    pid_t pid = 0;

    [[nodiscard]] std::string service_log() const {
        std::ifstream stream(directory.path() / "service.log");
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    ~Impl() {
        end_program(pid);
        remove_containers();
        run_program({"podman", "rmi", "--force", image}, conf, kProgramLimit);
    }

    void remove_containers() const {
        const auto listed = run_program(
            {"podman", "ps", "--all", "--quiet", "--filter", "label=io.nationtech.harmony/test-run=" + id},
            conf, kProgramLimit);
        std::istringstream ids(listed.output);
        for (std::string container; listed.exit_code == 0 && std::getline(ids, container);) {
            run_program({"podman", "rm", "--force", "--time", "0", container}, conf, kProgramLimit);
        }
    }
};

PodmanServiceFixture::PodmanServiceFixture() : impl_(std::make_unique<Impl>()) {
    const auto outcome = find_working_containers_conf();
    if (!outcome) throw std::runtime_error(outcome.error().text());
    if (!outcome->defaults_work) {
        impl_->conf = (impl_->directory.path() / "containers.conf").string();
        std::ofstream(impl_->conf) << outcome->containers_conf;
    }
    const auto imported = import_image(impl_->directory.path(), impl_->image, impl_->conf);
    if (imported.exit_code != 0) throw std::runtime_error("podman import: " + imported.output);
    start_service();
}

PodmanServiceFixture::~PodmanServiceFixture() = default;

const std::string& PodmanServiceFixture::socket_path() const {
    return impl_->socket;
}
const std::string& PodmanServiceFixture::run_id() const {
    return impl_->id;
}
const std::string& PodmanServiceFixture::image() const {
    return impl_->image;
}
const std::string& PodmanServiceFixture::containers_conf_path() const {
    return impl_->conf;
}

void PodmanServiceFixture::stop_service() {
    end_program(impl_->pid);
    impl_->pid = 0;
    fs::remove(impl_->socket);
}

void PodmanServiceFixture::start_service() {
    if (impl_->pid != 0) return;
    impl_->pid = start_program({"podman", "system", "service", "--time", "0", "unix://" + impl_->socket},
                               impl_->conf, (impl_->directory.path() / "service.log").string());
    if (impl_->pid == 0) throw std::runtime_error("podman does not start");
    const auto deadline = std::chrono::steady_clock::now() + kServiceLimit;
    while (!accepts(impl_->socket)) {
        if (std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("podman's service is not ready in time: " + impl_->service_log());
        }
        std::this_thread::sleep_for(10ms);
    }
}

}  // namespace harmony::runtime::podman_testing
