#include "harmony/simulator/options.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "harmony/daemon/files.hpp"

using namespace harmony;
using namespace harmony::simulator;
using namespace std::chrono_literals;

namespace {

Result<CommandLine> read(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "harmony-fleet-simulator");
    std::vector<char*> values;
    for (std::string& argument : arguments)
        values.push_back(argument.data());
    values.push_back(nullptr);
    return read_command_line(static_cast<int>(arguments.size()), values.data());
}

// The message of a refusal; empty where it was taken.
std::string refusal(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--nats", "nats://127.0.0.1:4222"});
    const auto line = read(std::move(arguments));
    return line ? "" : line.error().text();
}

struct TemporaryFile {
    std::string path;
    explicit TemporaryFile(const std::string& text, mode_t mode = 0600) {
        std::string pattern = (std::filesystem::temp_directory_path() / "harmony-simulator-XXXXXX").string();
        const int descriptor = mkstemp(pattern.data());
        REQUIRE(descriptor >= 0);
        close(descriptor);
        path = pattern;
        REQUIRE(runtime::daemon::write_file_durably(path, text, mode));
    }
    ~TemporaryFile() { std::filesystem::remove(path); }
};

}  // namespace

TEST_CASE("options out of range say what was found and expected") {
    CHECK(refusal({"--devices", "0"}) == "--devices: found \"0\", expected a whole number from 1 to 1000000");
    CHECK(refusal({"--devices", "1000001"}).find("expected a whole number from 1 to 1000000") !=
          std::string::npos);
    CHECK(refusal({"--failures", "1.5"}).find("a share from 0 to 1") != std::string::npos);
    CHECK(refusal({"--churn", "-1"}).find("--churn") != std::string::npos);
    CHECK(refusal({"--heartbeat-interval", "10ms"}).find("at least 1s") != std::string::npos);
    CHECK(refusal({"--connections", "10001"}).find("from 1 to 10000") != std::string::npos);
    CHECK(refusal({"--join-rate", "0"}).find("0.1") != std::string::npos);
    CHECK(refusal({"--subscriptions", "some"}).find("per-device or shared") != std::string::npos);
    CHECK(refusal({"--run", "fast"}).find("--run: found \"fast\"") != std::string::npos);
    CHECK(refusal({"--label", "site"}).find("expected KEY=PATTERN") != std::string::npos);
    CHECK(refusal({"--label", "site=a b"}).find("--label site") != std::string::npos);
    CHECK(refusal({"--device", "5", "--devices"}).find("--devices: expected a value") != std::string::npos);
    CHECK(refusal({"--devcies=5"}).find("did you mean --devices?") != std::string::npos);
    CHECK(refusal({"more"}).find("unexpected argument") != std::string::npos);
}

TEST_CASE("a prefix with a dot is refused") {
    CHECK(refusal({"--prefix", "edge.north"}).find("--prefix: found \"edge.north\"") != std::string::npos);
    CHECK(refusal({"--prefix", "edge.north"}).find("no dot") != std::string::npos);
    CHECK(refusal({"--prefix", std::string(250, 'a')}).find("--prefix") != std::string::npos);
    CHECK(refusal({"--prefix", "edge"}).empty());
}

TEST_CASE("the server's address is needed") {
    const auto line = read({"--devices", "5"});
    REQUIRE_FALSE(line);
    CHECK(line.error().text().find("--nats") != std::string::npos);
}

TEST_CASE("a file says everything, and the command line goes before it") {
    const TemporaryFile credentials("nats_user = \"simulator\"\nnats_pass = \"s3cret\"\n");
    const TemporaryFile file(
        "[simulator]\ndevices = 500\nprefix = \"load\"\nfailures = 0.25\nheartbeat_interval = \"10s\"\n"
        "[labels]\nsite = \"s{0..9}\"\n[nats]\nurls = [\"nats://127.0.0.1:4222\"]\n[credentials]\nfile = \"" +
        credentials.path + "\"\n");
    const auto line = read({"--config", file.path, "--devices", "600"});
    INFO((line ? "" : line.error().text()));
    REQUIRE(line);
    CHECK(line->options.devices == 600);
    CHECK(line->options.prefix == "load");
    CHECK(line->options.failures == 0.25);
    CHECK(line->options.heartbeat_interval == 10s);
    CHECK(line->options.labels.contains("site"));
    CHECK(line->options.credentials.user == "simulator");
    CHECK(line->options.credentials.password == "s3cret");
}

TEST_CASE("a wrong file names every problem and its field") {
    const TemporaryFile file(
        "[simulator]\ndevices = 0\nprefix = \"a.b\"\ndevcies = 3\n[labels]\nsite = \"s{9..1}\"\n");
    const auto line = read({"--config", file.path});
    REQUIRE_FALSE(line);
    const std::string text = line.error().text();
    for (const char* part : {"simulator.devices", "simulator.prefix", "devcies", "labels.site"}) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    }
}

TEST_CASE("credentials that others may read are refused, and no password is shown") {
    const TemporaryFile open("nats_user = \"simulator\"\nnats_pass = \"s3cret\"\n", 0644);
    CHECK(refusal({"--credentials", open.path}).find("0600") != std::string::npos);
    CHECK(refusal({"--credentials", open.path}).find("s3cret") == std::string::npos);
    CHECK(refusal({"--user", "simulator"}).find("go together") != std::string::npos);
    const TemporaryFile password("s3cret\n");
    const auto line =
        read({"--nats", "nats://127.0.0.1:4222", "--user", "simulator", "--password-file", password.path});
    REQUIRE(line);
    CHECK(line->options.credentials.password == "s3cret");
}
