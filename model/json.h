// How our plain structs become JSON and back. Included by model/*_json.cc and wire.cc only: json.hpp is
// heavy.
//
// A struct says its fields once, in `template <class V> void fields(V& v, T& x, const T& d)`; both directions
// use them. A field that has the value of a default-constructed struct is left out, and an absent one keeps
// it. Reading throws DecodeError, which never leaves this library: the public functions turn it into an
// Error.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/ip.h"
#include "model/observed.h"

namespace podroute::codec {

using nlohmann::json;

struct DecodeError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The largest number of elements read of one array or object.
inline constexpr std::size_t kMaxElements = 1'000'000;

// Parses hostile bytes: at most `max_bytes`, at most `max_depth` levels of nesting, at most 8,000,000 values.
// Errors: "too-large", "bad-json".
Result<json> parse_untrusted(std::string_view bytes, std::size_t max_bytes, int max_depth = 64);

// Enumerations are written by name; specialise with `static constexpr std::string_view names[]`, in order of
// value.
template <class E>
struct EnumNames;

// A variant is a JSON object with one member, whose name says which alternative it is; specialise likewise.
template <class V>
struct VariantNames;

struct Writer;
struct Reader;

template <class T>
concept Struct = requires(Writer& w, T& x, const T& d) {
    fields(w, x, d);
};

json put(bool value);
json put(const std::string& value);
json put(const Address& value);
json put(const Prefix& value);
template <std::integral T>
requires(!std::same_as<T, bool>) json put(T value) {
    return value;
}
template <class E>
requires std::is_enum_v<E> json put(E value);
template <class T>
json put(const std::optional<T>& value);
template <class T>
json put(const std::vector<T>& value);
template <class T>
json put(const std::set<T>& value);
template <class T>
json put(const std::map<std::string, T>& value);
template <class T>
json put(const Observed<T>& value);
template <class... T>
json put(const std::variant<T...>& value);
template <class A, class B>
json put(const std::pair<A, B>& value);
template <Struct T>
json put(const T& value);

void get(const json& j, bool& value);
void get(const json& j, std::string& value);
void get(const json& j, Address& value);
void get(const json& j, Prefix& value);
template <std::integral T>
requires(!std::same_as<T, bool>) void get(const json& j, T& value) {
    if (!j.is_number_integer()) throw DecodeError("a whole number is wanted");
    const bool fits = j.is_number_unsigned() ? std::in_range<T>(j.get<std::uint64_t>())
                                             : std::in_range<T>(j.get<std::int64_t>());
    if (!fits) throw DecodeError("number out of range");
    value = j.get<T>();
}
template <class E>
requires std::is_enum_v<E>
void get(const json& j, E& value);
template <class T>
void get(const json& j, std::optional<T>& value);
template <class T>
void get(const json& j, std::vector<T>& value);
template <class T>
void get(const json& j, std::set<T>& value);
template <class T>
void get(const json& j, std::map<std::string, T>& value);
template <class T>
void get(const json& j, Observed<T>& value);
template <class... T>
void get(const json& j, std::variant<T...>& value);
template <class A, class B>
void get(const json& j, std::pair<A, B>& value);
template <Struct T>
void get(const json& j, T& value);

struct Writer {
    static constexpr bool kReads = false;
    json out = json::object();
    template <class T>
    void operator()(const char* name, const T& value, const T& fallback) {
        if (!(value == fallback)) out[name] = put(value);
    }
};
struct Reader {
    static constexpr bool kReads = true;
    const json& in;
    template <class T>
    void operator()(const char* name, T& value, const T&) {
        const auto at = in.find(name);
        if (at == in.end()) return;
        try {
            get(*at, value);
        } catch (const DecodeError& e) {
            throw DecodeError(std::string(name) + ": " + e.what());
        }
    }
};

template <class E>
requires std::is_enum_v<E> json put(E value) {
    return std::string(EnumNames<E>::names[static_cast<std::size_t>(value)]);
}
template <class T>
json put(const std::optional<T>& value) {
    return value ? put(*value) : json(nullptr);
}
template <class T>
json put(const std::vector<T>& value) {
    json j = json::array();
    for (const T& element : value) j.push_back(put(element));
    return j;
}
template <class T>
json put(const std::set<T>& value) {
    json j = json::array();
    for (const T& element : value) j.push_back(put(element));
    return j;
}
template <class T>
json put(const std::map<std::string, T>& value) {
    json j = json::object();
    for (const auto& [key, element] : value) j[key] = put(element);
    return j;
}
template <class T>
json put(const Observed<T>& value) {
    if (value.known()) return put(*value);
    json j{{"unknown", value.unknown().why}};
    if (!value.unknown().code.empty()) j["code"] = value.unknown().code;
    if (!value.unknown().help.empty()) j["help"] = value.unknown().help;
    return j;
}
template <class... T>
json put(const std::variant<T...>& value) {
    const auto name = VariantNames<std::variant<T...>>::names[value.index()];
    return json{{std::string(name), std::visit([](const auto& x) { return put(x); }, value)}};
}
// A pair is an array of two.
template <class A, class B>
json put(const std::pair<A, B>& value) {
    return json::array({put(value.first), put(value.second)});
}
template <Struct T>
json put(const T& value) {
    Writer w;
    const T fallback{};
    fields(w, const_cast<T&>(value), fallback);  // NOLINT: the writer only reads
    return std::move(w.out);
}

template <class E>
requires std::is_enum_v<E>
void get(const json& j, E& value) {
    std::string text;
    get(j, text);
    std::size_t i = 0;
    for (const auto name : EnumNames<E>::names) {
        if (text == name) {
            value = static_cast<E>(i);
            return;
        }
        ++i;
    }
    throw DecodeError("'" + text.substr(0, 40) + "' is none of the values it may have");
}
template <class T>
void get(const json& j, std::optional<T>& value) {
    if (j.is_null()) {
        value.reset();
        return;
    }
    T element{};
    get(j, element);
    value = std::move(element);
}
template <class T, class Add>
void get_elements(const json& j, Add add) {
    if (!j.is_array()) throw DecodeError("an array is wanted");
    if (j.size() > kMaxElements) throw DecodeError("too many elements");
    for (const json& item : j) {
        T element{};
        get(item, element);
        add(std::move(element));
    }
}
template <class T>
void get(const json& j, std::vector<T>& value) {
    value.clear();
    get_elements<T>(j, [&](T element) { value.push_back(std::move(element)); });
}
template <class T>
void get(const json& j, std::set<T>& value) {
    value.clear();
    get_elements<T>(j, [&](T element) { value.insert(std::move(element)); });
}
template <class T>
void get(const json& j, std::map<std::string, T>& value) {
    if (!j.is_object()) throw DecodeError("an object is wanted");
    if (j.size() > kMaxElements) throw DecodeError("too many members");
    value.clear();
    for (const auto& [key, item] : j.items()) {
        T element{};
        get(item, element);
        value.emplace(key, std::move(element));
    }
}
template <class T>
void get(const json& j, Observed<T>& value) {
    if (j.is_object() && j.contains("unknown")) {
        Unknown unknown;
        get(j.at("unknown"), unknown.why);
        if (j.contains("code")) get(j.at("code"), unknown.code);
        if (j.contains("help")) get(j.at("help"), unknown.help);
        value = std::move(unknown);
        return;
    }
    T known{};
    get(j, known);
    value = std::move(known);
}
template <class... T>
void get(const json& j, std::variant<T...>& value) {
    if (!j.is_object() || j.size() != 1) throw DecodeError("an object with one member is wanted");
    std::size_t i = 0;
    const auto take = [&]<class E>(E element) {
        if (j.begin().key() != VariantNames<std::variant<T...>>::names[i++]) return false;
        get(j.begin().value(), element);
        value = std::move(element);
        return true;
    };
    if (!(take(T{}) || ...))
        throw DecodeError("'" + j.begin().key().substr(0, 40) + "' is none of the kinds it may be");
}
template <class A, class B>
void get(const json& j, std::pair<A, B>& value) {
    if (!j.is_array() || j.size() != 2) throw DecodeError("an array of two is wanted");
    get(j[0], value.first);
    get(j[1], value.second);
}
template <Struct T>
void get(const json& j, T& value) {
    if (!j.is_object()) throw DecodeError("an object is wanted");
    Reader r{j};
    const T fallback{};
    fields(r, value, fallback);
}

}  // namespace podroute::codec
