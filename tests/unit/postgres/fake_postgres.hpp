// A PostgreSQL that answers from a script.

#pragma once

#include "postgres/connection.hpp"
#include "postgres/session.hpp"

#include "fakes.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ordercache::fakes {

/// The values of a row of a table.
using Values = std::vector<std::optional<std::string>>;

/// Rows from a table: the columns' names, then the values.
inline Rows table(const std::vector<std::string>& columns, const std::vector<Values>& rows = {}) {
    Rows result;
    for (const Values& row : rows) {
        Row::Values values;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            values.emplace(columns[i], row.at(i));
        }
        result.emplace_back(std::move(values));
    }
    return result;
}

/// What PostgreSQL, or the wire to it, does with a statement.
using Answer = std::function<Rows()>;

inline Answer gives(const Rows& rows) {
    return [rows] { return rows; };
}

inline Answer fails(const std::string& what, const std::string& sqlstate) {
    return [what, sqlstate]() -> Rows { throw SessionFailure(what, sqlstate); };
}

/// The server: its sessions share what it was asked and what it is to answer.
class Postgres {
public:
    /// The next statement that has `text` in it is answered so, and others as those before them.
    /// Without an answer left for it, a statement gives no rows.
    void on(std::string text, Answer answer) {
        m_answers.emplace_back(std::move(text), std::move(answer));
    }

    /// As above; and the connection is gone then.
    void breaks_on(std::string text) {
        on(std::move(text), [this]() -> Rows {
            ++m_broken;
            throw SessionFailure("server closed the connection unexpectedly\n", "");
        });
    }

    /// Whether it has ended a session that was idle.
    bool has_ended_session = false;

    /// That many attempts to connect fail.
    int refusals = 0;

    std::vector<std::string> statements;
    std::vector<std::vector<std::string>> parameters;
    int connections = 0;

    OpenSession open() {
        return [this](const std::string&, Deadline,
                      const std::stop_token&) -> std::unique_ptr<PostgresSession> {
            if (refusals > 0) {
                --refusals;
                throw NoConnection("connection to server at \"db.example\", port 5432 failed: "
                                   "Connection refused",
                                   false);
            }
            ++connections;
            has_ended_session = false;
            return std::make_unique<Session>(*this);
        };
    }

    bool was_asked(const std::string& text) const {
        return std::ranges::any_of(statements, [&](const std::string& statement) {
            return statement.find(text) != std::string::npos;
        });
    }

private:
    class Session : public PostgresSession {
    public:
        explicit Session(Postgres& postgres) : m_postgres(postgres), m_broken(postgres.m_broken) {}

        Rows run(const std::string& sql, const std::vector<std::string>& values) override {
            return m_postgres.answer(sql, values);
        }
        /// An answer with rows stands for the tag ROLLBACK.
        bool commit() override { return m_postgres.answer("COMMIT", {}).empty(); }
        void cancel() override { m_postgres.answer("cancel", {}); }
        void end() override {}
        std::string peer() const override { return "db.example:5432"; }
        bool is_open() const override { return m_broken == m_postgres.m_broken; }
        bool has_unread() const override { return m_postgres.has_ended_session; }
        std::int64_t server_process() const override { return 1; }

    private:
        Postgres& m_postgres;
        int m_broken;
    };

    Rows answer(const std::string& sql, const std::vector<std::string>& values) {
        const Answer act = take_answer(sql, values);
        return act ? act() : Rows{};
    }

    /// One thread may cancel another's statement.
    Answer take_answer(const std::string& sql, const std::vector<std::string>& values) {
        const std::scoped_lock lock(m_mutex);
        statements.push_back(sql);
        parameters.push_back(values);
        const auto due = std::ranges::find_if(m_answers, [&](const auto& entry) {
            return sql.find(entry.first) != std::string::npos;
        });
        if (due == m_answers.end()) {
            return {};
        }
        Answer act = std::move(due->second);
        m_answers.erase(due);
        return act;
    }

    std::mutex m_mutex;
    std::deque<std::pair<std::string, Answer>> m_answers;
    int m_broken = 0;
};

/// A connection to it.
struct PostgresClient {
    explicit PostgresClient(std::chrono::milliseconds limit) : PostgresClient({}, limit) {}
    explicit PostgresClient(OrdersView view = {},
                            std::chrono::milliseconds limit = std::chrono::seconds{10})
        : connection(std::make_shared<PostgresConnection>(PostgresService{"", "shop"},
                                                          std::move(view), TimeLimit::whole(limit),
                                                          reporter, postgres.open())) {
        if (!connection->view().condition.empty()) { // a session checks it first
            postgres.on("format_type", gives(table({"type", "word"}, {{"integer", "integer"}})));
        }
    }

    Postgres postgres;
    MemoryReporter reporter;
    std::shared_ptr<PostgresConnection> connection;
};

/// The Error that `act` throws; the test fails where it throws none.
template <typename Act>
Error error_of(Act act) {
    try {
        act();
    } catch (const Error& error) {
        return error;
    }
    throw std::logic_error("it throws no Error");
}

} // namespace ordercache::fakes
