// Certificates for tests, made with the openssl command: authorities and what they sign, for localhost and 127.0.0.1.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/temporary_directory.hpp"

namespace janji::test {

class certificates {
public:
  [[nodiscard]] std::string certificate(const std::string& name) const { return directory_.path() + "/" + name + ".pem"; }
  [[nodiscard]] std::string key(const std::string& name) const { return directory_.path() + "/" + name + ".key"; }

  void make_authority(const std::string& name, const std::string& subject = {}) {
    run("openssl req -x509 " + new_key + " -keyout " + key(name) + " -out " + certificate(name) + " -days 2 -subj '" +
        (subject.empty() ? "/CN=" + name : subject) + "'");
  }
  // `dates`: what openssl ca would call its validity; by default from now for two days.
  // `names`: more of them, as openssl writes them.
  void issue(const std::string& name, const std::string& authority, const std::string& dates = "-days 2", const std::string& names = {}) {
    const auto extensions = directory_.path() + "/extensions";
    std::ofstream(extensions) << "subjectAltName=DNS:localhost,IP:127.0.0.1" << (names.empty() ? "" : "," + names)
                              << "\nbasicConstraints=CA:FALSE\n";
    const auto request = directory_.path() + "/" + name + ".csr";
    run("openssl req " + new_key + " -keyout " + key(name) + " -out " + request + " -subj /CN=" + name);
    run("openssl x509 -req -in " + request + " -CA " + certificate(authority) + " -CAkey " + key(authority) + " -CAcreateserial -out " +
        certificate(name) + " -extfile " + extensions + " " + dates);
  }
  // Of node `node` of the cluster "test".
  void issue_for(int node, const std::string& name, const std::string& authority, const std::string& dates = "-days 2") {
    issue(name, authority, dates, "URI:janji://test/node/" + std::to_string(node));
  }

  // Two keys that belong together: what is signed with key(name) is verified with certificate(name).
  void make_signing_keys(const std::string& name) {
    run("openssl genrsa -out " + key(name) + " 2048");
    run("openssl rsa -in " + key(name) + " -pubout -out " + certificate(name));
  }

private:
  static inline const std::string new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  void run(const std::string& command) const {
    const auto log = directory_.path() + "/openssl.log";
    ASSERT_EQ(std::system((command + " >>" + log + " 2>&1").c_str()), 0) << command << ": see " << log;  // NOLINT
  }

  temporary_directory directory_;
};

}  // namespace janji::test
