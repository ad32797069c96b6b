#include "harmony/daemon/files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <iterator>

#include "temporary_directory.hpp"

namespace harmony::runtime::daemon {
namespace {

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

std::ptrdiff_t files_in(const std::string& path) {
    return std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator());
}

}  // namespace

TEST_CASE("a durable write replaces the file, sets its mode and leaves nothing beside it") {
    const testing::TemporaryDirectory directory;
    const std::string path = directory / "state.json";
    REQUIRE(write_file_durably(path, "one"));
    CHECK(mode_of(path) == 0600);
    REQUIRE(write_file_durably(path, std::string("t\0o", 3), 0644));
    CHECK(mode_of(path) == 0644);
    CHECK(*read_file(path) == std::string("t\0o", 3));
    CHECK(files_in(directory.path()) == 1);
    REQUIRE(remove_file_durably(path));
    REQUIRE(remove_file_durably(path));
    CHECK(read_file(path).error().kind() == ErrorKind::NotFound);
}

TEST_CASE("a durable write that fails leaves the old content") {
    const testing::TemporaryDirectory directory;
    const std::string path = directory / "folder";
    REQUIRE(make_directories(path + "/inner"));
    REQUIRE(write_file_durably(path + "/inner/kept", "old"));
    CHECK_FALSE(write_file_durably(path, "content"));
    CHECK_FALSE(write_file_durably(directory / "absent/file", "content"));
    CHECK(*read_file(path + "/inner/kept") == "old");
    CHECK(files_in(directory.path()) == 1);
}

TEST_CASE("reading stops at its limit and refuses what is no file") {
    const testing::TemporaryDirectory directory;
    const std::string path = directory / "large";
    REQUIRE(write_file_durably(path, std::string(100, 'x')));
    CHECK(read_file(path, 100));
    const auto large = read_file(path, 99);
    REQUIRE_FALSE(large);
    CHECK(large.error().kind() == ErrorKind::InvalidInput);
    CHECK_FALSE(read_file(directory.path()));
    REQUIRE(mkfifo((directory / "pipe").c_str(), 0600) == 0);
    CHECK(read_file(directory / "pipe").error().kind() == ErrorKind::InvalidInput);
}

TEST_CASE("a secret that others could read is refused and its mode is named") {
    const testing::TemporaryDirectory directory;
    const std::string path = directory / "credentials";
    REQUIRE(write_file_durably(path, "hunter2"));
    CHECK(*read_secret_file(path) == "hunter2");
    for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
        REQUIRE(chmod(path.c_str(), mode) == 0);
        const auto refused = read_secret_file(path);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind() == ErrorKind::PermissionDenied);
        CHECK(refused.error().text().find("expected 0600") != std::string::npos);
        CHECK(refused.error().text().find("hunter2") == std::string::npos);
    }
    REQUIRE(chmod(path.c_str(), 0640) == 0);
    CHECK(read_secret_file(path).error().text().find("found mode 0640") != std::string::npos);
    REQUIRE(chmod(path.c_str(), 0400) == 0);
    CHECK(read_secret_file(path));
}

TEST_CASE("a user who is not root reads root's secret through its group, as in a pod") {
    if (geteuid() != 0) {
        WARN("skipped: only root can become another user");
        return;
    }
    constexpr uid_t kUser = 65532;
    const testing::TemporaryDirectory directory;
    const std::string path = directory / "credentials";
    REQUIRE(write_file_durably(path, "hunter2"));
    REQUIRE(chmod(directory.path().c_str(), 0755) == 0);
    REQUIRE(chown(path.c_str(), 0, kUser) == 0);
    const auto read_as_user = [&](mode_t mode) {
        REQUIRE(chmod(path.c_str(), mode) == 0);
        REQUIRE(setegid(kUser) == 0);
        REQUIRE(seteuid(kUser) == 0);
        auto text = read_secret_file(path);
        REQUIRE(seteuid(0) == 0);
        REQUIRE(setegid(0) == 0);
        return text;
    };
    CHECK(read_as_user(0440).value_or("") == "hunter2");
    CHECK(read_as_user(0640).value_or("") == "hunter2");
    for (const mode_t mode : {0460U, 0450U, 0444U, 0641U})
        CHECK_FALSE(read_as_user(mode));
    // Root itself has no need of a group.
    REQUIRE(chmod(path.c_str(), 0440) == 0);
    CHECK_FALSE(read_secret_file(path));
}

TEST_CASE("directories are made with their parents and kept when they exist") {
    const testing::TemporaryDirectory directory;
    REQUIRE(make_directories(directory / "a/b/c"));
    CHECK(mode_of(directory / "a/b/c") == 0700);
    REQUIRE(make_directories(directory / "a/b/c", 0755));
    CHECK(mode_of(directory / "a/b/c") == 0700);
    REQUIRE(write_file_durably(directory / "a/file", ""));
    CHECK_FALSE(make_directories(directory / "a/file"));
    CHECK_FALSE(make_directories(directory / "a/file/deeper"));
}

}  // namespace harmony::runtime::daemon
