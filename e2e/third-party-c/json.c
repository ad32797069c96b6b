#include "json.h"

#include <string.h>

#define MAX_DEPTH 64

static const json_span NONE = {NULL, 0};

typedef struct cursor {
    const char* at;
    const char* end;
} cursor;

static void skip_space(cursor* c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
        c->at++;
}

/* Moves past one character, after white space. */
static int accept(cursor* c, char wanted) {
    skip_space(c);
    if (c->at >= c->end || *c->at != wanted) return 0;
    c->at++;
    return 1;
}

static int skip_string(cursor* c) {
    if (!accept(c, '"')) return 0;
    while (c->at < c->end) {
        char found = *c->at++;
        if (found == '"') return 1;
        if (found == '\\') {
            if (c->at >= c->end) return 0;
            c->at++;
        }
    }
    return 0;
}

static int skip_value(cursor* c, int depth);

static int skip_container(cursor* c, char close, int is_object, int depth) {
    if (accept(c, close)) return 1;
    do {
        if (is_object && (!skip_string(c) || !accept(c, ':'))) return 0;
        if (!skip_value(c, depth + 1)) return 0;
    } while (accept(c, ','));
    return accept(c, close);
}

static int skip_value(cursor* c, int depth) {
    const char* start;
    if (depth > MAX_DEPTH) return 0;
    skip_space(c);
    if (c->at >= c->end) return 0;
    if (*c->at == '"') return skip_string(c);
    if (accept(c, '{')) return skip_container(c, '}', 1, depth);
    if (accept(c, '[')) return skip_container(c, ']', 0, depth);
    start = c->at;
    while (c->at < c->end && *c->at != '\0' && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *c->at))
        c->at++;
    return c->at > start;
}

static json_span trimmed(const char* from, const char* to) {
    json_span span;
    while (from < to && (*from == ' ' || *from == '\t' || *from == '\n' || *from == '\r'))
        from++;
    span.text = from;
    span.length = (size_t)(to - from);
    return span;
}

json_span json_member(json_span object, const char* name) {
    cursor c = {object.text, object.text ? object.text + object.length : NULL};
    if (!object.text || !accept(&c, '{')) return NONE;
    do {
        const char* before;
        json_span key;
        json_span value;
        skip_space(&c);
        before = c.at;
        if (!skip_string(&c)) return NONE;
        key = trimmed(before, c.at);
        if (!accept(&c, ':')) return NONE;
        before = c.at;
        if (!skip_value(&c, 1)) return NONE;
        value = trimmed(before, c.at);
        if (json_equals(key, name)) return value;
    } while (accept(&c, ','));
    return NONE;
}

int json_is_object(json_span value) {
    cursor c = {value.text, value.text ? value.text + value.length : NULL};
    if (!value.text) return 0;
    skip_space(&c);
    if (c.at >= c.end || *c.at != '{' || !skip_value(&c, 0)) return 0;
    skip_space(&c);
    return c.at == c.end;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The four digits after \u, or -1. */
static long code_unit(const char* at, const char* end) {
    long value = 0;
    int i;
    if (end - at < 4) return -1;
    for (i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static size_t encode_utf8(unsigned long code, char* out) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | (code >> 12));
        out[1] = (char)(0x80 | ((code >> 6) & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (code >> 18));
    out[1] = (char)(0x80 | ((code >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((code >> 6) & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Decodes what follows a backslash into out, at most four bytes. 0 when it is malformed. */
static size_t decode_escape(const char** at, const char* end, char* out) {
    static const char letters[] = "\"\\/bfnrt";
    static const char meaning[] = "\"\\/\b\f\n\r\t";
    const char* found;
    long unit;
    if (*at >= end) return 0;
    found = **at ? strchr(letters, **at) : NULL;
    if (found) {
        ++*at;
        out[0] = meaning[found - letters];
        return 1;
    }
    if (**at != 'u' || (unit = code_unit(*at + 1, end)) <= 0) return 0;
    *at += 5;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        long low = end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? code_unit(*at + 2, end) : -1;
        if (low < 0xDC00 || low > 0xDFFF) return 0;
        *at += 6;
        return encode_utf8(0x10000UL + ((unsigned long)(unit - 0xD800) << 10) + (unsigned long)(low - 0xDC00),
                           out);
    }
    if (unit >= 0xDC00 && unit <= 0xDFFF) return 0;
    return encode_utf8((unsigned long)unit, out);
}

int json_string(json_span value, char* out, size_t capacity) {
    const char* at = value.text;
    const char* end;
    size_t length = 0;
    if (!at || capacity == 0 || value.length < 2 || at[0] != '"' || at[value.length - 1] != '"') return -1;
    end = at + value.length - 1;
    at++;
    while (at < end) {
        char decoded[4];
        size_t count = 1;
        if (*at == '\\') {
            at++;
            count = decode_escape(&at, end, decoded);
        } else {
            decoded[0] = *at++;
            if (decoded[0] == '\0') return -1;
        }
        if (count == 0 || length + count >= capacity) return -1;
        memcpy(out + length, decoded, count);
        length += count;
    }
    out[length] = '\0';
    return 0;
}

int json_equals(json_span value, const char* text) {
    char decoded[128];
    return json_string(value, decoded, sizeof decoded) == 0 && strcmp(decoded, text) == 0;
}

static void append(json_writer* writer, const char* text, size_t length) {
    if (writer->failed || length > writer->capacity - writer->length) {
        writer->failed = 1;
        return;
    }
    memcpy(writer->out + writer->length, text, length);
    writer->length += length;
}

void json_raw(json_writer* writer, const char* text) {
    append(writer, text, strlen(text));
}

void json_quoted(json_writer* writer, const char* text) {
    static const char digits[] = "0123456789abcdef";
    json_raw(writer, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            append(writer, "\\", 1);
            append(writer, text, 1);
        } else if (c < 0x20) {
            char escape[6] = {'\\', 'u', '0', '0', '0', '0'};
            escape[4] = digits[c >> 4];
            escape[5] = digits[c & 15];
            append(writer, escape, sizeof escape);
        } else {
            append(writer, text, 1);
        }
    }
    json_raw(writer, "\"");
}
