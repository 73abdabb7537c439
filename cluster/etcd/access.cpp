// Who asks etcd: the certificates, the user and the token, and what etcd says of them.
#include <fmt/format.h>
#include <sodium.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/json.hpp>
#include <utility>

#include "cluster/etcd/channel.hpp"
#include "cluster/streams/certificates.hpp"
#include "store/secret_file.hpp"

namespace janji::cluster::etcd {

namespace json = boost::json;
using namespace std::chrono_literals;

std::expected<tls_files::context, std::string> etcd_config_store::read_certificates(const options& o) {
  namespace ssl = boost::asio::ssl;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(ssl::verify_peer);
  boost::system::error_code ec;
  if (o.ca_file.empty())
    if (context->set_default_verify_paths(ec); ec)
      return std::unexpected("the system's certificates: " + ec.message());
  if (auto loaded = load(*context, {o.certificate_file, o.key_file, o.ca_file}); !loaded)
    return std::unexpected(loaded.error());
  if (o.certificate_file.empty())
    return context;
  const auto shown = read_certificate(o.certificate_file);
  if (const auto why = shown ? not_valid_now(*shown) : shown.error(); !why.empty())
    return std::unexpected(fmt::format("{}, which is shown to etcd: {}", o.certificate_file, why));
  return context;
}

std::expected<std::string, std::string> etcd_config_store::password_of(const options& o) {
  if (o.password_file.empty())
    return o.password;
  auto read = store::read_password_file(o.password_file, "the password of etcd");
  if (!read)
    return std::unexpected(read.error().text());
  return std::move(*read);
}

bool etcd_config_store::lets_strangers_in(options o) {
  for (auto* who : {&o.certificate_file, &o.key_file, &o.user, &o.password_file, &o.password})
    who->clear();
  const auto stranger = open(std::move(o));
  return stranger && (*stranger)->read(shard_id{0});
}

std::expected<void, std::string> etcd_config_store::reload() {
  if (!tls_)
    return {};
  auto context = read_certificates(options_);
  if (!context)
    return std::unexpected(context.error());
  tls_->replace(std::move(*context));
  return {};
}

// What etcd says of who asks, as what is to be done about it.
failure etcd_config_store::explained(failure f) const {
  if (f.text.starts_with(refused_by_etcd))
    return f;
  if (f.text.contains("user name is empty"))
    f.text = fmt::format("{}it asks for a user and a password: set cluster.etcd_user and cluster.etcd_password_file", refused_by_etcd);
  else if (f.text.contains("authentication failed"))
    f.text = fmt::format(
        "{}the password of the user '{}' is not right, or there is no such user: look at cluster.etcd_user and "
        "cluster.etcd_password_file",
        refused_by_etcd, options_.user);
  else if (f.code == code_permission_denied || f.text.contains("permission denied"))
    f.text = fmt::format("{}its user '{}' lacks a permission: grant a role of it reading and writing of all keys that begin with {}",
                         refused_by_etcd, options_.user, prefix_);
  else if (f.code == code_unauthenticated)
    f.text = fmt::format("{}{}", refused_by_etcd, f.text);
  return f;
}

// A token, where etcd asks for one and the channel has none.
std::expected<void, failure> etcd_config_store::sign_in(channel& c, steady::time_point deadline) {
  constexpr auto not_again_for = 1s;  // to compare a password costs etcd a tenth of a second
  if (options_.user.empty() || !c.token.empty() || c.open_to_all)
    return {};
  if (!c.refusal.empty() && steady::now() - c.refused < not_again_for)
    return std::unexpected(failure{false, code_unauthenticated, c.refusal});
  auto password = password_of(options_);
  if (!password)
    return std::unexpected(failure{false, 0, password.error()});
  const auto said = c.link.post("/v3/auth/authenticate", user_and_password(options_.user, *password), {}, connection::again::yes, deadline);
  sodium_memzero(password->data(), password->size());
  c.refusal.clear();
  if (!said && said.error().text.contains("authentication is not enabled")) {
    c.open_to_all = true;
    if (!told_open_.exchange(true))
      say("its authentication is not enabled: whoever reaches it can change the cluster");
    return {};
  }
  if (!said) {
    auto f = explained(said.error());
    f.may_have_happened = false;
    if (f.text.starts_with(refused_by_etcd)) {
      c.refusal = f.text;
      c.refused = steady::now();
    }
    return std::unexpected(std::move(f));
  }
  auto token = read_text(*said, "token");
  if (!token || token->empty())
    return std::unexpected(failure{false, 0, "etcd gave no token"});
  c.token = std::move(*token);
  told_open_ = false;
  return {};
}

std::expected<json::object, failure> etcd_config_store::call(channel& c, std::string_view path, const json::object& body,
                                                             connection::again repeat) {
  const auto deadline = steady::now() + options_.call_deadline;
  for (int attempt = 0;; ++attempt) {
    if (const auto in = sign_in(c, deadline); !in)
      return std::unexpected(in.error());
    auto answer = c.link.post(path, body, c.token, repeat, deadline);
    if (answer)
      return answer;
    // A token lapses, rights are changed, authentication is enabled; the call was refused before anything was done.
    const auto& f = answer.error();
    const bool lapsed = f.code == code_unauthenticated || is_of_old_rights(f) || f.text.contains("user name is empty");
    if (!lapsed || options_.user.empty() || attempt == 1)
      return std::unexpected(explained(f));
    c.token.clear();
    c.open_to_all = false;
  }
}

}  // namespace janji::cluster::etcd
