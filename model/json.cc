// The JSON of small values, and the one parser of hostile JSON.
#include "model/json.h"

namespace podroute::codec {

namespace {

// A value takes 16 bytes of memory and up, and may be two bytes of text.
constexpr std::size_t kMaxValues = 8'000'000;

// How deep brackets outside of strings nest, and how many values there are. Looked at before the parser runs,
// whose callback could say the same and makes it half as slow again. Up to the first byte that is no JSON,
// where the parser ends, both count alike.
Result<void> bounded(std::string_view bytes, int max_depth) {
    int depth = 0;
    std::size_t values = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char c = bytes[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        const bool opens = c == '[' || c == '{';
        if (opens && ++depth > max_depth)
            return failure("bad-json", "nested deeper than " + std::to_string(max_depth) + " levels");
        if (c == ']' || c == '}') --depth;
        if ((opens || c == ',') && ++values > kMaxValues)
            return failure("too-large", "more than " + std::to_string(kMaxValues) + " values in JSON");
    }
    return {};
}

}  // namespace

Result<json> parse_untrusted(std::string_view bytes, std::size_t max_bytes, int max_depth) {
    if (bytes.size() > max_bytes)
        return failure("too-large", "more than " + std::to_string(max_bytes) + " bytes of JSON");
    if (const auto good = bounded(bytes, max_depth); !good) return tl::unexpected(good.error());
    try {
        return json::parse(bytes.begin(), bytes.end());
    } catch (const json::exception& e) {
        return failure("bad-json", std::string(e.what()).substr(0, 200));
    }
}

json put(bool value) {
    return value;
}
json put(const std::string& value) {
    return value;
}
json put(const Address& value) {
    return value.to_string();
}
json put(const Prefix& value) {
    return value.to_string();
}

void get(const json& j, bool& value) {
    if (!j.is_boolean()) throw DecodeError("true or false is wanted");
    value = j.get<bool>();
}

void get(const json& j, std::string& value) {
    if (!j.is_string()) throw DecodeError("a text is wanted");
    value = j.get_ref<const std::string&>();
}

void get(const json& j, Address& value) {
    std::string text;
    get(j, text);
    auto parsed = Address::parse(text);
    if (!parsed) throw DecodeError("'" + text.substr(0, 60) + "': " + parsed.error().text);
    value = *parsed;
}

void get(const json& j, Prefix& value) {
    std::string text;
    get(j, text);
    auto parsed = Prefix::parse(text);
    if (!parsed) throw DecodeError("'" + text.substr(0, 60) + "': " + parsed.error().text);
    value = *parsed;
}

}  // namespace podroute::codec
