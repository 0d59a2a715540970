#include "io/csv_reader.hpp"

#include <stdexcept>

namespace ordercache {

namespace {

constexpr std::size_t k_longest_record = 64 << 10;

/// Whether a quoted field is open at the end of the line, which began within one or did not.
bool ends_within_quotes(std::string_view line, bool within) {
    char before = within ? '\n' : ',';
    for (const char c : line) {
        if (c == '"' && (within || before == ',' || before == '"')) {
            within = !within;
        }
        before = c;
    }
    return within;
}

void split_at_commas(std::string_view line, CsvReader::Fields& fields) {
    for (auto comma = line.find(','); comma != std::string_view::npos; comma = line.find(',')) {
        fields.push_back(line.substr(0, comma));
        line.remove_prefix(comma + 1);
    }
    fields.push_back(line);
}

/// Takes a record apart; what is doubled in quotes is made single where it stands.
class QuotedRecord {
public:
    explicit QuotedRecord(std::string& text) : m_text(text) {}

    void split(CsvReader::Fields& fields) {
        fields.push_back(field());
        while (m_at < m_text.size()) {
            ++m_at; // the comma
            fields.push_back(field());
        }
    }

private:
    std::string_view field() {
        return m_at < m_text.size() && m_text[m_at] == '"' ? quoted_field() : plain_field();
    }

    std::string_view plain_field() {
        const std::size_t begin = m_at;
        m_at = std::min(m_text.find(',', begin), m_text.size());
        const auto field = std::string_view(m_text).substr(begin, m_at - begin);
        if (field.find('"') != std::string_view::npos) {
            throw std::invalid_argument("a quote stands in a field that does not begin with one");
        }
        return field;
    }

    std::string_view quoted_field() {
        const std::size_t begin = ++m_at;
        std::size_t end = begin;
        for (;; ++m_at) {
            if (m_at == m_text.size()) {
                throw std::invalid_argument("a quote is not closed");
            }
            if (m_text[m_at] == '"' && (++m_at == m_text.size() || m_text[m_at] != '"')) {
                break;
            }
            m_text[end++] = m_text[m_at];
        }
        if (m_at < m_text.size() && m_text[m_at] != ',') {
            throw std::invalid_argument("a closing quote is not followed by a comma");
        }
        return std::string_view(m_text).substr(begin, end - begin);
    }

    std::string& m_text;
    std::size_t m_at = 0;
};

} // namespace

bool CsvReader::next() {
    m_fields.clear();
    auto line = m_lines.next();
    while (line && line->empty()) {
        line = m_lines.next();
    }
    if (!line) {
        return false;
    }
    m_line = m_lines.number();
    if (line->find('"') == line->npos) {
        split_at_commas(*line, m_fields);
    } else {
        read_quoted_record(*line);
    }
    return true;
}

void CsvReader::read_quoted_record(std::string_view first_line) {
    m_record = first_line;
    bool within_quotes = ends_within_quotes(first_line, false);
    while (within_quotes && m_record.size() < k_longest_record) {
        const auto line = m_lines.next();
        if (!line) {
            break;
        }
        m_record += '\n';
        m_record += *line;
        within_quotes = ends_within_quotes(*line, true);
    }
    QuotedRecord(m_record).split(m_fields);
}

} // namespace ordercache
