// What certificates say of themselves, for whoever has to judge or explain them. Any thread.
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}
struct x509_st;

namespace janji::cluster {

struct certificate_facts {
  std::vector<std::string> uris;  // of its subject's alternative names, as they stand there
  std::string ends;               // "2027-05-26T04:00:00Z"
  bool has_begun = true;
  bool has_ended = false;
};

[[nodiscard]] certificate_facts facts_of(x509_st* certificate);
// Of a PEM file the first one, which is shown to others.
[[nodiscard]] std::expected<certificate_facts, std::string> read_certificate(const std::string& file);
// Empty when it may be shown now; else why it will be refused.
[[nodiscard]] std::string not_valid_now(const certificate_facts& facts);
// configs/dev-ca names its authorities so; their keys lie about unprotected.
[[nodiscard]] bool made_for_development(const std::string& ca_file);

// The certificate, its key and the authorities, read into a context. An error names the file. Empty names are left out.
struct certificate_files {
  std::string certificate;
  std::string key;
  std::string authorities;
};
[[nodiscard]] std::expected<void, std::string> load(boost::asio::ssl::context& into, const certificate_files& files);

}  // namespace janji::cluster
