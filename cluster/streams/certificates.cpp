#include "cluster/streams/certificates.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/ssl/context.hpp>
#include <ctime>
#include <memory>

namespace janji::cluster {

namespace {

using certificate_pointer = std::unique_ptr<X509, decltype(&X509_free)>;
using file_pointer = std::unique_ptr<BIO, decltype(&BIO_free)>;

certificate_pointer next_in(BIO* file) { return {PEM_read_bio_X509(file, nullptr, nullptr, nullptr), &X509_free}; }

std::string moment_of(const ASN1_TIME* t) {
  std::tm at{};
  return ASN1_TIME_to_tm(t, &at) == 1 ? fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", at) : std::string("an unknown time");
}

}  // namespace

certificate_facts facts_of(X509* certificate) {
  certificate_facts out;
  out.ends = moment_of(X509_get0_notAfter(certificate));
  out.has_begun = X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0;
  out.has_ended = X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)), &GENERAL_NAMES_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI)
      continue;
    const auto* text = name->d.uniformResourceIdentifier;
    out.uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  return out;
}

std::expected<certificate_facts, std::string> read_certificate(const std::string& file) {
  const file_pointer in(BIO_new_file(file.c_str(), "r"), &BIO_free);
  const auto one = in ? next_in(in.get()) : certificate_pointer(nullptr, &X509_free);
  ERR_clear_error();
  if (!in)
    return std::unexpected(file + ": it cannot be read");
  if (!one)
    return std::unexpected(file + ": it holds no certificate (PEM)");
  return facts_of(one.get());
}

std::string not_valid_now(const certificate_facts& facts) {
  if (facts.has_ended)
    return "it has expired, at " + facts.ends;
  return facts.has_begun ? "" : "it is not valid yet";
}

bool made_for_development(const std::string& ca_file) {
  const file_pointer in(BIO_new_file(ca_file.c_str(), "r"), &BIO_free);
  bool found = false;
  while (in && !found) {
    const auto one = next_in(in.get());
    if (!one)
      break;
    std::array<char, 64> name{};
    const auto length = X509_NAME_get_text_by_NID(X509_get_subject_name(one.get()), NID_organizationName, name.data(), name.size());
    found = length > 0 && std::string_view(name.data()) == "Janji development";
  }
  ERR_clear_error();
  return found;
}

std::expected<void, std::string> load(boost::asio::ssl::context& into, const certificate_files& files) {
  boost::system::error_code ec;
  const auto failed = [&](const std::string& file) { return std::unexpected(fmt::format("{}: {}", file, ec.message())); };
  if (!files.authorities.empty())
    if (into.load_verify_file(files.authorities, ec); ec)
      return failed(files.authorities);
  if (files.certificate.empty())
    return {};
  if (into.use_certificate_chain_file(files.certificate, ec); ec)
    return failed(files.certificate);
  if (into.use_private_key_file(files.key, boost::asio::ssl::context::pem, ec); ec)
    return failed(files.key);
  return {};
}

}  // namespace janji::cluster
