// SQLite with Results: a connection and its prepared statements.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::op::sqlite {

class Connection;

// One execution of a prepared statement: bind, step, read columns. Resets itself when it goes.
class Statement {
 public:
    Statement(Connection& connection, sqlite3_stmt* statement)
        : connection_(&connection), statement_(statement) {}
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    Statement(Statement&& other) noexcept
        : connection_(other.connection_), statement_(other.statement_), next_(other.next_) {
        other.statement_ = nullptr;
    }
    Statement& operator=(Statement&&) = delete;

    // In the order of the statement's parameters. The text must live until the last step.
    Statement& bind(std::string_view text);
    Statement& bind(std::int64_t number);
    Statement& bind_null();
    // Back to before the first bind, for the next row.
    Statement& again();

    // True: there is a row.
    [[nodiscard]] Result<bool> step();
    [[nodiscard]] Result<void> run();

    // Of the current row; views are valid until the next step.
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] bool is_null(int column) const;

 private:
    Connection* connection_;
    sqlite3_stmt* statement_;
    int next_ = 1;
};

class Connection {
 public:
    // Creates the file where there is none.
    [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const std::string& path);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] Result<void> execute(const char* sql);
    [[nodiscard]] Result<Statement> prepare(const char* sql);
    [[nodiscard]] Result<std::int64_t> number(const char* sql);
    // What went wrong last, with the file's name.
    [[nodiscard]] Error error(int code) const;
    [[nodiscard]] const std::string& path() const { return path_; }

 private:
    explicit Connection(std::string path) : path_(std::move(path)) {}
    std::string path_;
    sqlite3* handle_ = nullptr;
};

}  // namespace harmony::op::sqlite
