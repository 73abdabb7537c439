// By what `janjictl` knows the node whose janjid.ports it has read, before it sends the operators' token: the file holds a key, and who
// holds the port is asked for a keyed sum of what nobody asked before. A port may have passed to somebody else since, and a file that is
// read over a volume names ports of another network. Who passes the question on to the node itself is not found out.
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace janji::net {

inline constexpr std::string_view proof_path = "/admin/v1/proof/";  // and the question

// 32 random bytes as hexadecimal digits.
[[nodiscard]] std::string new_proof_key();
// Likewise, of 16.
[[nodiscard]] std::string new_proof_question();
[[nodiscard]] bool is_proof_question(std::string_view text);
// Keyed BLAKE2b (RFC 7693) of the question, as 64 hexadecimal digits; "": that is no key.
[[nodiscard]] std::string proof_of(std::string_view key, std::string_view question);

}  // namespace janji::net
