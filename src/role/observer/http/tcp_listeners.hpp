// The API's TCP listeners: which there are follows from the settings and the files that they name, which come one after
// the other and again when they change.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "authenticator.hpp"
#include "listener.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role::http {

// The TLS side of the API's listeners, from the texts of its files.
struct TlsTexts {  // PEM
    std::string certificate, key, client_ca;
    bool wants_client_ca = false;
};
struct TlsMade {
    std::shared_ptr<boost::asio::ssl::context> context;
    std::string warning;  // the certificate has ended, or is not valid yet; empty: nothing
};
[[nodiscard]] Result<TlsMade> make_tls(const TlsTexts& texts);

class TcpListeners {
public:
    TcpListeners(std::shared_ptr<Service> service, Authenticator::Clock clock);
    TcpListeners(const TcpListeners&) = delete;
    TcpListeners& operator=(const TcpListeners&) = delete;
    ~TcpListeners() { close(); }

    // What is there stays as it is until the last of the files that the settings name has come.
    void set(const ipc::ApiSettings& settings);
    // `text`: of the file; an error: why it cannot be used.
    void take(ipc::ApiFile::What what, Result<std::string> text);
    // Tries again what could not be opened: an address may have come.
    void retry();
    [[nodiscard]] std::vector<report::ApiListener> status() const;
    void close();

private:
    using tcp = boost::asio::ip::tcp;
    using What = ipc::ApiFile::What;
    struct One {
        report::ApiListener shown;
        std::optional<Endpoint> endpoint;
        bool is_tls = false;  // as opened
        std::shared_ptr<Listener<tcp>> listener;
    };

    void apply();
    [[nodiscard]] bool read_credentials_text();  // whether others may log in than before
    void make_context();
    [[nodiscard]] std::string problem_of(const std::string& at, const std::optional<Endpoint>& endpoint) const;
    [[nodiscard]] bool forbids(const std::string& problem) const;
    void open(One& one);
    [[nodiscard]] std::shared_ptr<Connection> connect(tcp::socket socket);
    void report_served(const One& one) const;
    void report_change(const One& one, const std::string& before) const;

    std::shared_ptr<Service> service_;
    Authenticator authenticator_;
    ipc::ApiSettings settings_;
    std::set<What> awaited_;
    std::map<What, Result<std::string>> texts_;
    std::shared_ptr<boost::asio::ssl::context> tls_;
    std::string tls_problem_, credentials_problem_;
    std::vector<One> listeners_;
};

}  // namespace mainstay::role::http
