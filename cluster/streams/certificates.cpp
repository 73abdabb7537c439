#include "cluster/streams/certificates.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <ctime>
#include <memory>

#include "store/regular_file.hpp"

namespace janji::cluster {

namespace {

using certificate_pointer = std::unique_ptr<X509, decltype(&X509_free)>;
using file_pointer = std::unique_ptr<BIO, decltype(&BIO_free)>;

constexpr std::size_t pem_bytes_max = 1U << 20U;  // the authorities of a whole system are a fifth of it

std::expected<std::string, std::string> read_pem(const std::string& path) { return store::read_regular_file(path, pem_bytes_max); }

file_pointer opened(const std::string& pem) { return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free}; }

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

std::expected<certificate_facts, std::string> read_certificate(const std::string& path) {
  const auto pem = read_pem(path);
  if (!pem)
    return std::unexpected(pem.error());
  const auto in = opened(*pem);
  const auto one = next_in(in.get());
  ERR_clear_error();
  if (!one)
    return std::unexpected(path + ": it holds no certificate (PEM)");
  return facts_of(one.get());
}

std::string not_valid_now(const certificate_facts& facts) {
  if (facts.has_ended)
    return "it has expired, at " + facts.ends;
  return facts.has_begun ? "" : "it is not valid yet";
}

bool made_for_development(const std::string& ca_file) {
  const auto pem = read_pem(ca_file).value_or(std::string());
  const auto in = opened(pem);
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
  const auto take = [](const std::string& path, auto&& use) -> std::expected<void, std::string> {
    auto pem = read_pem(path);
    if (!pem)
      return std::unexpected(pem.error());
    boost::system::error_code ec;
    use(boost::asio::buffer(*pem), ec);
    OPENSSL_cleanse(pem->data(), pem->size());  // it may be a key
    return ec ? std::unexpected(fmt::format("{}: {}", path, ec.message())) : std::expected<void, std::string>{};
  };
  if (!files.authorities.empty())
    if (auto taken = take(files.authorities, [&](auto bytes, auto& ec) { into.add_certificate_authority(bytes, ec); }); !taken)
      return taken;
  if (files.certificate.empty())
    return {};
  if (auto taken = take(files.certificate, [&](auto bytes, auto& ec) { into.use_certificate_chain(bytes, ec); }); !taken)
    return taken;
  return take(files.key, [&](auto bytes, auto& ec) { into.use_private_key(bytes, boost::asio::ssl::context::pem, ec); });
}

}  // namespace janji::cluster
