#include "catalog_index.hpp"
#include "plugin_folder.hpp"

#include <harmony/host/catalog.hpp>
#include <harmony/host/lock_file.hpp>
#include <harmony/host/plugin_file.hpp>

using namespace harmony::host;
using harmony::host::testing::PluginFolder;

namespace {

CatalogOptions options_for(const PluginFolder& folder) {
    CatalogOptions options;
    options.installed_folder = folder.root + "/installed";
    options.user_folder = folder.root + "/user";
    options.cache_folder = folder.root + "/cache/harmony";
    return options;
}

}  // namespace

TEST_CASE("plugins of every folder are found in the order of precedence") {
    const PluginFolder folder;
    folder.plugin("installed", "a");
    folder.plugin("user", "b");
    folder.plugin("one", "c");
    folder.plugin("two", "d");
    auto options = options_for(folder);
    options.path_variable = ":" + folder.root + "/one::" + folder.root + "/missing:" + folder.root + "/two";
    options.explicit_paths = {folder.plugin("elsewhere", "e")};
    const auto catalog = Catalog::scan(options);
    std::string order;
    for (const auto& entry : catalog.entries()) {
        CHECK(entry.usable());
        order += entry.plugin.id.back();
    }
    CHECK(order == "ecdba");
    CHECK(catalog.entries()[0].origin == PluginOrigin::Explicit);
    CHECK(catalog.find_score("aScore")->entry->plugin.id == "acme/a");
    CHECK(catalog.find_command("do b")->entry->plugin.id == "acme/b");
    CHECK(catalog.find_plugin("d") != nullptr);
    CHECK_FALSE(catalog.find_score("missing"));
    CHECK(Catalog::manifest(*catalog.find_plugin("acme/c"))->scores.size() == 1);
}

TEST_CASE("a broken plugin is an entry with its reason and hides nothing") {
    const PluginFolder folder;
    folder.plugin("installed", "good");
    folder.write("installed/harmony-broken.so", "not ELF at all");
    folder.write("installed/readme.txt", "ignored");
    const auto catalog = Catalog::scan(options_for(folder));
    REQUIRE(catalog.entries().size() == 2);
    CHECK(catalog.entries()[0].problem->code == "plugin.not-elf");
    CHECK(catalog.entries()[1].usable());
    CHECK(catalog.conflicts().empty());
}

TEST_CASE("two plugins of one id, or two Scores of one name, are an error that names both files") {
    const PluginFolder folder;
    const auto first = folder.plugin("user", "same");
    const auto second = folder.plugin("installed", "same");
    folder.plugin("user", "x", "1.0.0", "SharedScore");
    folder.plugin("installed", "y", "1.0.0", "SharedScore");
    folder.plugin("installed", "z");
    const auto catalog = Catalog::scan(options_for(folder));
    REQUIRE(catalog.conflicts().size() == 2);
    for (const auto& conflict : catalog.conflicts())
        CHECK(conflict.code == "plugin.conflict");
    CHECK(catalog.conflicts()[0].summary.find(first) != std::string::npos);
    CHECK(catalog.conflicts()[0].summary.find(second) != std::string::npos);
    CHECK(catalog.conflicts()[1].summary.find("the Score SharedScore") != std::string::npos);
    CHECK_FALSE(catalog.find_score("SharedScore"));
    CHECK(catalog.find_score("zScore"));
}

TEST_CASE("one file reached by two ways is one entry") {
    const PluginFolder folder;
    folder.plugin("installed", "a");
    auto options = options_for(folder);
    options.explicit_paths = {folder.root + "/installed", folder.root + "/installed/../installed"};
    CHECK(Catalog::scan(options).entries().size() == 1);
}

TEST_CASE("what others may write is not used") {
    const PluginFolder folder;
    std::filesystem::permissions(folder.plugin("installed", "a"), std::filesystem::perms(0666));
    folder.plugin("user", "b");
    std::filesystem::permissions(folder.root + "/user", std::filesystem::perms(0777));
    const auto catalog = Catalog::scan(options_for(folder));
    REQUIRE(catalog.entries().size() == 2);
    for (const auto& entry : catalog.entries()) {
        REQUIRE(entry.problem);
        CHECK(entry.problem->code == "plugin.unsafe-permissions");
    }
    CHECK(open_plugin_file(folder.root + "/user/harmony-b.so").error().code == "plugin.unsafe-permissions");
    CHECK(unsafe_permissions(0100644, 12345, 0).find("12345") != std::string::npos);
    CHECK(unsafe_permissions(0100644, 0, 0).empty());
    CHECK_FALSE(unsafe_permissions(0100664, 0, 54321).empty());
}

TEST_CASE("a project's plugins have to be in its lock file") {
    const PluginFolder folder;
    const auto file = folder.plugin("project/.harmony/plugins", "a");
    auto options = options_for(folder);
    options.project_folder = folder.root + "/project";
    CHECK(Catalog::scan(options).entries().at(0).problem->code == "plugin.not-locked");
    const auto hash = open_plugin_file(file)->sha256;
    folder.write(
        "project/.harmony/plugins/harmony.lock",
        format_lock_file({{{"acme/a", "1.0.0", "harmony-a.so", hash, "here", "2024-01-01T00:00:00Z"}}}));
    CHECK(Catalog::scan(options).entries().at(0).usable());
    folder.plugin("project/.harmony/plugins", "a", "1.0.1");
    const auto changed = open_plugin_file(file);
    REQUIRE_FALSE(changed);
    CHECK(changed.error().code == "plugin.hash-mismatch");
    CHECK(changed.error().summary.find(hash) != std::string::npos);
}

TEST_CASE("scanning writes nothing, and a saved index answers until a file changes") {
    const PluginFolder folder;
    const auto file = folder.plugin("installed", "a");
    const auto options = options_for(folder);
    auto catalog = Catalog::scan(options);
    CHECK_FALSE(std::filesystem::exists(options.cache_folder));
    catalog.save_index();
    const auto index = options.cache_folder + "/plugins.index";
    REQUIRE(std::filesystem::exists(index));
    const auto written = std::filesystem::last_write_time(index);
    catalog = Catalog::scan(options);
    catalog.save_index();
    CHECK(std::filesystem::last_write_time(index) == written);
    CHECK(catalog.entries().at(0).plugin.scores.at(0).name == "aScore");
    folder.plugin("installed", "a", "2.0.0");
    CHECK(Catalog::scan(options).entries().at(0).plugin.version == "2.0.0");
}

TEST_CASE("a damaged index counts as none") {
    PluginSummary plugin{"acme/a", "1.0.0", "A", {{"AScore", "does"}}, {}, {{{"do", "it"}, "does it"}}, {}};
    const FileKey key{1, 2, 3, 4, 5};
    const auto bytes = CatalogIndex::format({{key, plugin}});
    REQUIRE(CatalogIndex::parse(bytes).find(key));
    CHECK(CatalogIndex::parse(bytes).find(key)->commands.at(0).path.at(1) == "it");
    CHECK_FALSE(CatalogIndex::parse(bytes).find({1, 2, 3, 4, 6}));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
        CHECK_FALSE(CatalogIndex::parse(damaged).find(key));
        CHECK_FALSE(CatalogIndex::parse(bytes.substr(0, i)).find(key));
    }
}

TEST_CASE("a lock file reads back, and a damaged or future one says so") {
    const LockFile lock{{{"acme/b", "1.0.0", "harmony-b.so", std::string(64, 'b'), "x", "t"},
                         {"acme/a", "1.0.0", "harmony-a.so", std::string(64, 'a'), "x", "t"}}};
    const auto text = format_lock_file(lock);
    const auto back = parse_lock_file(text);
    REQUIRE(back);
    CHECK(back->plugins.at(0).id == "acme/a");
    CHECK(format_lock_file(*back) == text);
    CHECK(parse_lock_file("{}").error().code == "plugin.lock-invalid");
    CHECK(parse_lock_file(R"({"format":2})").error().code == "plugin.lock-format");
    auto outside = lock;
    outside.plugins[0].file = "../harmony-b.so";
    CHECK(parse_lock_file(format_lock_file(outside)).error().code == "plugin.lock-invalid");
    outside = lock;
    outside.plugins[0].sha256 = "abc";
    CHECK(parse_lock_file(format_lock_file(outside)).error().code == "plugin.lock-invalid");
}
