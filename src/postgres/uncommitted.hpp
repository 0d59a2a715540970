#pragma once

#include "postgres/commit_outcome.hpp"
#include "postgres/connection.hpp"
#include "postgres/follow_sql.hpp"
#include "postgres/pending_orders.hpp"

#include <memory>
#include <string>
#include <utility>

namespace ordercache {

/// Begins a transaction, at the isolation that the protocol needs, whatever the server's default.
/// A commit that is reported must survive a crash.
inline constexpr auto k_begin = R"sql(
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT set_config('synchronous_commit', 'on', true)
WHERE current_setting('synchronous_commit') = 'off')sql";

/// As k_begin, for a writer who changes the cache itself.
inline std::string begin_sql(CacheUpdate update) {
    return update == CacheUpdate::by_writer ? std::string(k_begin) + ";\n" + k_mark_as_handled
                                            : k_begin;
}

/// What an inserted order and a batch have in common: the transaction, which is rolled back unless
/// it is committed.
template <typename Interface>
class Uncommitted : public Interface {
public:
    explicit Uncommitted(std::shared_ptr<PostgresConnection> connection)
        : m_connection(std::move(connection)) {
        m_connection->begin();
    }
    Uncommitted(const Uncommitted&) = delete;
    Uncommitted& operator=(const Uncommitted&) = delete;
    ~Uncommitted() override {
        if (!m_is_over) {
            m_connection->roll_back();
        }
    }

    void check() override {
        m_connection->ask(
            [](PostgresSession& session) { session.run("SET CONSTRAINTS ALL IMMEDIATE"); });
    }

    WriteId write_id() const override { return m_write_id; }

    void commit() override {
        m_is_over = true; // or nobody knows: there is nothing left to roll back
        ordercache::commit(*m_connection, m_write_id);
    }

protected:
    PostgresConnection& connection() { return *m_connection; }
    void set_write_id(WriteId write) { m_write_id = std::move(write); }

private:
    std::shared_ptr<PostgresConnection> m_connection;
    WriteId m_write_id;
    bool m_is_over = false;
};

} // namespace ordercache
