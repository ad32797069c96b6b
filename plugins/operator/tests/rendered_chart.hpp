// The chart in a folder, rendered by tests/render_chart.
#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <harmony/plugin/testing/fake_host.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace harmony::fleet_operator::testing {

namespace fs = std::filesystem;
using nlohmann::json;
using plugin::RenderedFile;

inline std::string renderer() {
    return HARMONY_BINARY_DIR "/tests/render_chart";
}

inline std::vector<RenderedFile> chart(plugin::Json settings = plugin::Json::object()) {
    plugin::testing::FakeHost host{harmony_plugin_entry_1};
    auto score = host.score("FleetOperatorScore", std::move(settings)).value();
    REQUIRE(score.validate());
    return score.render(plugin::kHelmChart).value();
}

inline std::string read(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// In a folder that goes with it.
class WrittenChart {
 public:
    explicit WrittenChart(const std::vector<RenderedFile>& files) {
        REQUIRE(::mkdtemp(folder_.data()) != nullptr);
        for (const auto& file : files) {
            fs::create_directories((fs::path(folder_) / file.path).parent_path());
            std::ofstream(fs::path(folder_) / file.path, std::ios::binary) << file.content;
        }
    }
    ~WrittenChart() { fs::remove_all(folder_); }
    WrittenChart(const WrittenChart&) = delete;
    WrittenChart& operator=(const WrittenChart&) = delete;

    // Both streams, and whether it succeeded.
    std::pair<std::string, bool> render(const std::string& name_space, const json& values) const {
        std::ofstream(folder_ + "/given.json") << values;
        const std::string command = renderer() + " " + folder_ + " " + name_space + " " + folder_ +
                                    "/given.json >" + folder_ + "/out 2>" + folder_ + "/err";
        const bool good = std::system(command.c_str()) == 0;
        return {read(folder_ + (good ? "/out" : "/err")), good};
    }
    json rendered(const std::string& name_space, const json& values = json::object()) const {
        const auto [text, good] = render(name_space, values);
        INFO(text);
        REQUIRE(good);
        return json::parse(text);
    }

 private:
    std::string folder_ = "/tmp/harmony-chart-test.XXXXXX";
};

inline void need_renderer() {
    static const bool built = [] {
        const std::string source = HARMONY_SOURCE_DIR "/plugins/operator/tests/render_chart";
        const std::string command =
            "command -v go >/dev/null && cd " + source +
            " && GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= HOME=${HOME:-/tmp} go build -o " +
            renderer() + " . 2>/dev/null";
        return std::system(command.c_str()) == 0;
    }();
    if (built) return;
    std::cout << "SKIPPED: rendering the chart needs the packages golang-go, "
                 "golang-github-masterminds-sprig-dev and golang-gopkg-yaml.v3-dev\n"
              << std::flush;
    std::exit(4);  // of SKIP_RETURN_CODE in harmony_add_test
}

}  // namespace harmony::fleet_operator::testing
