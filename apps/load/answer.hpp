// Reading answers at little cost: the client's processor time is the server's on a shared machine, so Beast's parser runs
// without a container of fields, and only what the load generator needs is kept.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace janji::load {

class answer_parser : public boost::beast::http::basic_parser<false> {
public:
  // keep_body: else the body's bytes are only counted. `body` outlives the parser and is appended to.
  answer_parser(std::string& body, bool keep_body) : body_(body), keep_body_(keep_body) {
    eager(true);
    body_limit(std::uint64_t{256} << 20);
  }
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] bool retry_after() const { return retry_after_s_ >= 0; }
  [[nodiscard]] int retry_after_s() const { return retry_after_s_; }
  // How new the request of a booking was, or which number a refusal has; "" where the server does not say.
  [[nodiscard]] const std::string& stamp() const { return stamp_; }

private:
  using view = boost::beast::string_view;
  using error_code = boost::beast::error_code;
  void on_request_impl(boost::beast::http::verb, view, view, int, error_code&) override {}
  void on_response_impl(int code, view, int, error_code&) override { status_ = code; }
  void on_field_impl(boost::beast::http::field name, view, view value, error_code&) override;
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(view part, error_code&) override { return take(part); }
  void on_chunk_header_impl(std::uint64_t, view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, view part, error_code&) override { return take(part); }
  void on_finish_impl(error_code&) override {}
  std::size_t take(view part) {
    if (keep_body_)
      body_.append(part.data(), part.size());
    return part.size();
  }

  std::string& body_;
  bool keep_body_;
  int status_ = 0;
  int retry_after_s_ = -1;
  std::string stamp_;
};

// What a booking's, cancellation's or move's success says.
struct confirmation {
  bool readable = false;
  bool repeated = false;
  std::string place;  // centre/date/window
  std::vector<std::string> references;
  std::vector<std::string> tokens;
};
[[nodiscard]] confirmation read_confirmation(std::string_view body);
// The problem's code; "" when there is none.
[[nodiscard]] std::string_view problem_code(std::string_view body);

}  // namespace janji::load
