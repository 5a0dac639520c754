// The JSON of small values, and the one parser of hostile JSON.
#include "model/json.h"

namespace podroute::codec {

Result<json> parse_untrusted(std::string_view bytes, std::size_t max_bytes, int max_depth) {
    if (bytes.size() > max_bytes)
        return failure("too-large", "more than " + std::to_string(max_bytes) + " bytes of JSON");
    bool too_deep = false;
    const auto guard = [&](int depth, json::parse_event_t event, json&) {
        // Throwing is the only way to end the parser; a filtered value would still be read to its end.
        if (depth > max_depth &&
            (event == json::parse_event_t::array_start || event == json::parse_event_t::object_start)) {
            too_deep = true;
            throw DecodeError("nested too deep");
        }
        return true;
    };
    try {
        return json::parse(bytes.begin(), bytes.end(), guard);
    } catch (const DecodeError&) {
        return failure("bad-json", "nested deeper than " + std::to_string(max_depth) + " levels");
    } catch (const json::exception& e) {
        return failure("bad-json", too_deep ? "nested too deep" : std::string(e.what()).substr(0, 200));
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
