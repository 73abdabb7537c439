// Writes what the fuzz targets begin with: fuzz_seeds DIRECTORY makes DIRECTORY/<target>/<n> for each.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/replica_codec.hpp"
#include "schema/envelope.hpp"
#include "schema/mail.hpp"
#include "tests/fuzz/receipt_samples.hpp"

namespace {

using seeds = std::vector<std::string>;

seeds http_session() {
  const std::string get = "GET /a?x=1 HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string chunked =
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;n=\"v\"\r\nde\r\n0\r\nT: v\r\n\r\n";
  const std::string length = "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello";
  const std::string headers =
      "HEAD /n HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer t\r\nIf-None-Match: \"a\"\r\n"
      "Origin: https://p\r\nIdempotency-Key: k\r\nX-Request-Id: i\r\nContent-Type: application/json\r\n\r\n";
  seeds out;
  for (const char cut : {'\0', '\1', '\x10', '\x21'})
    for (const auto& bytes :
         {get + get, get + chunked + get, length + get, headers + get, std::string("GET /w HTTP/1.1\r\nHost: x\r\n\r\n") + get,
          std::string("GET /L HTTP/1.1\r\nHost: x\r\n\r\n") + get + length, std::string("GET /z HTTP/1.0\r\n\r\n"),
          std::string("OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") + get,
          std::string("GET http://x/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") + get})
      out.push_back(cut + bytes);
  return out;
}

seeds booking_form() {
  return {
      R"({"centre":"A","date":"2021-06-07","people":[{"identity":{"type":"mykad","number":"900101-14-5678"},"name":"N"}]})",
      R"({"round":"r1","centre":"A","date":"2021-06-07","window":"09:00","people":[{"identity":{"type":"passport","number":"A1234567","country":"IDN"},"name":"N","phone":"1","email":"e","birth_date":"1990-01-01","state":"Johor","notes":"\u0041\n\ud83d\ude00"},{"identity":{"type":"army","number":"T1234567"},"name":"M","birth_date":"1990-01-01"}]})",
      R"({"centre":"B","date":"2021-06-08","window":"13:00"})", R"({"x":1,"centre":null,"people":[1,{}]})", "[[[[]]]]"};
}

seeds peers() {
  using namespace janji;
  using namespace janji::replication;
  const header head{epoch_t{7}, {1, 2}, boot_t{3}, {4, 5}, boot_t{6}};
  const position at{epoch_t{2}, sequence_t{10}};
  const log_shape log{{epoch_t{2}, sequence_t{10}}, {{epoch_t{3}, sequence_t{15}}}, {epoch_t{3}, sequence_t{25}}};
  seeds out;
  for (const auto& m :
       {message{promise_request{{9, {epoch_t{7}, {1, 2}, {{1, 2}, {3, 4}}, {{5, 6}}, 2, 3}}}}, message{pull_request{at, true}},
        message{append_request{at, {{{epoch_t{2}, sequence_t{11}}, "entry"}}, sequence_t{8}, true}}, message{promise{log, sequence_t{12}}},
        message{refusal{epoch_t{9}, log, sequence_t{3}, true}}, message{heartbeat{4, sequence_t{5}, sequence_t{6}}}})
    out.push_back(cluster::encode_replica_message(head, m));
  book_command b{request_id{9}, body_hash{8}, window_index{3}, unix_ms{7}, {applicant{}}, true};
  b.people.front().sealed = "sealed";
  out.push_back(schema::encode_mail(group_id{1}, {1, {}, unix_ms{5}},
                                    std::vector<group_input>{b, settle_ask{}, change_capacity{{}, {}, 5, "by", "why"}}));
  out.push_back(
      schema::encode_mail({1, {}, {}}, std::vector<registry_input>{claim_request{}, confirm_claims{{reference{1}}}, cancel_command{}}));
  out.push_back(schema::encode_answers(std::vector{answer{request_id{1}, outcome::confirmed, true, 1, {booked_place{}}}}));
  out.push_back(schema::encode_figures({{schema::group_figures{group_id{1}, {{1, 2, 3, 4, 5}}, {1, 2, 3}, sequence_t{9}}}, {shard_id{1}}}));
  out.push_back(schema::encode_rounds(sequence_t{4},
                                      std::vector<round_event>{round_state_changed{round_id{1}, round_state::open, "", "by", unix_ms{1}}}));
  return out;
}

seeds texts() {
  return {"mykad\n900101-14-5678\n",
          "passport\nA1234567\nIDN",
          "army\nRF/123456",
          "police\nG 12345",
          "7K3M-92QX-4T8B-E",
          "1BDA-V19T-5Q36-T",
          "2021-06-07",
          "09:30",
          "2021-05-26T12:00:00+08:00",
          "2021-05-26T04:00:00.123Z",
          "W.P. Kuala Lumpur",
          "Asia/Kuala_Lumpur",
          "3/4/21",
          "26 Mei 2021",
          "5/26/2021 12:00:00 AM",
          "9.30 PTG",
          "1.000.000,00",
          "Siti a/l D\xe2\x80\x99"
          "Cruz Jose\xcc\x81 \xe3\x85\xa4\r\n\t",
          "900101\xe2\x80\x93"
          "14\xe2\x80\x91"
          "5678"};
}

seeds page_form() {
  return {"form_token=v1.AAAA&draft=AAAAAAAAAAAAAAAAAAAAAA&people=1&p1-kind=mykad&p1-number=900101-14-5678&p1-name=Siti+Nur%27Ain&go=on",
          "who=1&who=2&lang=ta",
          "p1-name=%E0%AE%95&p1-notes=a%0D%0Ab&&=&x",
          "janji_lang=ta; janji_form=AAAA; janji_mine=",
          "en-GB;q=0.8, zh-TW, *;q=0.1",
          "4T8B-92QX-7K3M-5",
          "7k3m92qx4t8b",
          "people[3].identity.number",
          "47500",
          R"([1,"draft",["A","Dewan A","2021-06-07",540,720],[["mykad","1","","N","","","","",""]],"key",5,"busy"])",
          R"([1,[[1,0,2,"N","5678","r",["A","Dewan A","2021-06-07",540,720],1,5,false,6]]])"};
}

seeds receipts() {
  const janji::receipt_signer signer{janji::test::sample_seed};
  auto out = signer.sign(janji::test::sample_statements());
  const auto alone = signer.sign(std::vector{janji::test::sample_statements().front()});
  out.insert(out.end(), alone.begin(), alone.end());
  return out;
}

seeds round_import() {
  const std::string centres =
      "code,name,state,district,latitude,longitude\nA,Hall A,Johor,Kluang,1.5,103.7\n\"B\",\"Hall \"\"B\"\"\",Selangor,,3,101\n";
  const std::string groups =
      "centre,date,opens,closes,capacity\r\nA,2021-06-07,09:00,12:00,10\r\nA,2021-06-07,13:00,17:00,5\r\nB,2021-06-08,09:00,17:00,1\r\n";
  return {centres + '\0' + groups,
          "\xef\xbb\xbf" + centres + '\0' + "capacity,centre,date,closes,opens\n1,A,2021-06-07,17:00,09:00\n",
          centres + '\0' + "centre,date\n",
          "code\n\"\n",
          "sep=;\r\ncode;name;state;district;latitude;longitude;\rA;Caf\xe9;Johor;;1,5;103,7;\r" + std::string(1, '\0') +
              "centre\tdate\topens\tcloses\tcapacity\nA\t3/6/21\t9:00 AM\t5.30pm\t1 000\n\t\t\t\t\nA\t26/6/21\t9:00\t17:00\t1.000\n",
          std::string("\xff\xfe"
                      "c\x01\0\n\x01",
                      7)};
}

seeds settings() {
  return {"[node]\ndata = \"data\"\nshards = 64\n\n[http]\nport = 8080 # why\n", "[store]\ndisk_low_mark = 0.2\n[log]\nlevel = 'debug'\n",
          "node = { data = \"x\" }\nhttp.port = 1\n", "[node]\ndata = \"\"\"a\nb\"\"\"\nshards = 0x10\n", "[node]\nshards = 1979-05-27\n"};
}

bool write(const std::filesystem::path& directory, const seeds& all) {
  std::filesystem::create_directories(directory);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!(std::ofstream(directory / std::to_string(i), std::ios::binary) << all[i]))
      return false;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds DIRECTORY\n", stderr);
    return 2;
  }
  const std::filesystem::path to = argv[1];
  const bool good = write(to / "http_session", http_session()) && write(to / "booking_form", booking_form()) &&
                    write(to / "texts", texts()) && write(to / "page_form", page_form()) && write(to / "peers", peers()) &&
                    write(to / "receipt", receipts()) && write(to / "round_import", round_import()) && write(to / "settings", settings());
  return good ? 0 : 1;
}
