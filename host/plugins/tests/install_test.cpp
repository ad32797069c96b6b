#include "plugin_folder.hpp"

#include <harmony/host/install.hpp>
#include <harmony/host/plugin_file.hpp>

#include <archive.h>
#include <archive_entry.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

using namespace harmony::host;
using harmony::host::testing::ElfParts;
using harmony::host::testing::manifest_json;
using harmony::host::testing::PluginFolder;

namespace {

struct Entry {
    std::string name;
    std::string bytes;
    std::string link{};
};

std::string pack(const PluginFolder& folder, const std::string& name, const std::vector<Entry>& entries) {
    const auto path = folder.root + "/" + name;
    archive* writer = ::archive_write_new();
    if (name.ends_with(".zip")) {
        ::archive_write_set_format_zip(writer);
    } else {
        ::archive_write_set_format_pax_restricted(writer);
        if (name.ends_with(".gz")) ::archive_write_add_filter_gzip(writer);
        if (name.ends_with(".zst")) ::archive_write_add_filter_zstd(writer);
    }
    REQUIRE(::archive_write_open_filename(writer, path.c_str()) == ARCHIVE_OK);
    for (const auto& item : entries) {
        archive_entry* entry = ::archive_entry_new();
        ::archive_entry_set_pathname(entry, item.name.c_str());
        ::archive_entry_set_perm(entry, 0777);
        ::archive_entry_set_filetype(entry, item.link.empty() ? AE_IFREG : AE_IFLNK);
        if (!item.link.empty()) ::archive_entry_set_symlink(entry, item.link.c_str());
        ::archive_entry_set_size(entry, static_cast<std::int64_t>(item.bytes.size()));
        REQUIRE(::archive_write_header(writer, entry) == ARCHIVE_OK);
        ::archive_write_data(writer, item.bytes.data(), item.bytes.size());
        ::archive_entry_free(entry);
    }
    ::archive_write_free(writer);
    return path;
}

std::string plugin_bytes(const std::string& name, const std::string& version = "1.0.0") {
    return ElfParts(manifest_json("acme/" + name, version, name + "Score")).bytes();
}

// Names below `root`, and nothing that an installation should have cleaned up.
std::vector<std::string> names_in(const std::string& root) {
    std::vector<std::string> names;
    for (const auto& item : std::filesystem::directory_iterator(root))
        names.push_back(item.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

TEST_CASE("a folder of plugins is installed, upgraded, verified and removed") {
    const PluginFolder folder;
    const auto target = folder.root + "/data/plugins";
    folder.plugin("source", "a");
    folder.plugin("source", "b");
    const auto report = install_plugins(folder.root + "/source", target);
    if (!report) FAIL(report.error().summary);
    CHECK(report->items.size() == 2);
    CHECK(names_in(target) == std::vector<std::string>{"harmony-a.so", "harmony-b.so", "harmony.lock"});
    CHECK(names_in(folder.root + "/data") == std::vector<std::string>{"plugins"});
    CHECK(open_plugin_file(target + "/harmony-a.so"));

    CHECK_FALSE(install_plugins(folder.root + "/source", target)->items.at(0).changed);
    const auto upgraded = install_plugins(folder.plugin("newer", "a", "2.0.0"), target);
    REQUIRE(upgraded);
    CHECK(upgraded->items.at(0).previous_version == "1.0.0");
    CHECK(upgraded->items.at(0).changed);
    CHECK(read_lock_file(target)->value().find_id("acme/a")->version == "2.0.0");

    const auto verified = verify_plugins(target).value();
    for (const auto& item : verified)
        CHECK(item.ok());
    folder.plugin("data/plugins", "a", "3.0.0");
    CHECK_FALSE(verify_plugins(target)->at(0).ok());
    CHECK(open_plugin_file(target + "/harmony-a.so").error().code == "plugin.hash-mismatch");

    CHECK(remove_plugin("a", target)->id == "acme/a");
    CHECK(names_in(target) == std::vector<std::string>{"harmony-b.so", "harmony.lock"});
    CHECK(remove_plugin("a", target).error().code == "plugin.not-installed");
}

TEST_CASE("archives of every supported kind are installed") {
    for (const char* name : {"p.tar", "p.tar.gz", "p.tar.zst", "p.zip"}) {
        const PluginFolder folder;
        const auto source =
            pack(folder, name, {{"pkg/harmony-a.so", plugin_bytes("a")}, {"pkg/LICENSE", "text"}});
        const auto report = install_plugins(source, folder.root + "/plugins");
        if (!report) FAIL(report.error().summary);
        CHECK(report->items.at(0).plugin.source == source);
        CHECK(open_plugin_file(folder.root + "/plugins/harmony-a.so")->sha256 ==
              report->items.at(0).plugin.sha256);
    }
}

TEST_CASE("a hostile archive installs nothing") {
    const PluginFolder folder;
    const auto good = plugin_bytes("a");
    const std::vector<std::vector<Entry>> archives{
        {{"../harmony-a.so", good}},
        {{"/tmp/harmony-a.so", good}},
        {{"x/../../harmony-a.so", good}},
        {{"harmony-a.so", "", "/etc/passwd"}},
        {{"harmony-a.so", good}, {"x/harmony-a.so", good}},
        {{"harmony-a.so", good}, {"harmony-b.so", "broken"}},
        {{"README", "no plugin"}},
    };
    for (const auto& entries : archives) {
        CHECK_FALSE(install_plugins(pack(folder, "p.tar", entries), folder.root + "/plugins"));
        CHECK_FALSE(std::filesystem::exists(folder.root + "/plugins"));
        CHECK(names_in(folder.root) == std::vector<std::string>{"p.tar"});
    }
    const auto damaged = folder.write("p.tar", std::string(5000, 'x'));
    CHECK(install_plugins(damaged, folder.root + "/plugins").error().code == "plugin.archive-invalid");
}

TEST_CASE("a plugin that does not fit is refused and what was there stays") {
    const PluginFolder folder;
    const auto target = folder.root + "/plugins";
    REQUIRE(install_plugins(folder.plugin("source", "a"), target));
    CHECK(install_plugins(folder.write("other/harmony-x.so", plugin_bytes("y")), target).error().code ==
          "plugin.source-name");
    CHECK(install_plugins(folder.root + "/missing", target).error().code == "plugin.source-missing");
    const auto foreign = ElfParts(manifest_json("other/a", "1.0.0", "OtherScore")).bytes();
    CHECK(install_plugins(folder.write("foreign/harmony-a.so", foreign), target).error().code ==
          "plugin.conflict");
    CHECK(names_in(target) == std::vector<std::string>{"harmony-a.so", "harmony.lock"});
    CHECK(verify_plugins(target)->at(0).ok());
}

TEST_CASE("an installation killed at any moment leaves the old folder or the new one") {
    const PluginFolder folder;
    const auto target = folder.root + "/data/plugins";
    REQUIRE(install_plugins(folder.plugin("source", "a"), target));
    const auto newer = folder.plugin("newer", "a", "2.0.0");
    const auto older = folder.root + "/source/harmony-a.so";
    for (int i = 0; i < 60; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            for (;;) {
                if (!install_plugins(newer, target) || !install_plugins(older, target)) ::_exit(1);
            }
        }
        ::usleep(static_cast<useconds_t>(i * 131));
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        REQUIRE(WIFSIGNALED(status));
        const auto items = verify_plugins(target);
        REQUIRE(items);
        REQUIRE(items->size() == 1);
        CHECK(items->at(0).ok());
    }
    REQUIRE(install_plugins(newer, target));
    REQUIRE(install_plugins(older, target));
    CHECK(names_in(folder.root + "/data") == std::vector<std::string>{"plugins"});
}
