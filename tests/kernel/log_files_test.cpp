#include "mainstay/kernel/log_files.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <thread>

#include "../temporary_folder.hpp"
#include "in_child.hpp"

using namespace mainstay;

namespace {

constexpr unsigned kEndsWithinSeconds = 20;

bool is_pipe(int descriptor) {
    struct stat facts{};
    return ::fstat(descriptor, &facts) == 0 && S_ISFIFO(facts.st_mode);
}
bool is_file(int descriptor) {
    struct stat facts{};
    return ::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
}
void put(int descriptor, const std::string& path) {
    const UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    ::dup2(file.get(), descriptor);
}
// What the file has once `last` is part of it: the process that writes it is nobody's child, and may end after all of
// ours.
std::string text_with(const std::string& path, std::string_view last) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{kEndsWithinSeconds};
    auto text = test::text_of(path);
    while (!text.contains(last) && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
        text = test::text_of(path);
    }
    return text;
}
bool write_text(int descriptor, const std::string& text) {
    return ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

TEST_CASE("who logs into a file writes to a pipe, and all of it is in the file at the end") {
    const test::TemporaryFolder folder;
    const std::string err = folder.path + "/err", out = folder.path + "/out";
    CHECK(test::in_child([&] {
        ::alarm(kEndsWithinSeconds);
        put(STDERR_FILENO, err);
        put(STDOUT_FILENO, out);
        bool good = true;
        {
            kernel::LogFiles files{true, true};
            good = good && files.take().has_value() && is_pipe(STDERR_FILENO) && is_pipe(STDOUT_FILENO);
            for (int i = 0; i < 30'000; ++i) good = good && write_text(STDERR_FILENO, std::string(99, 'x') + "\n");
            good = good && write_text(STDOUT_FILENO, "one\n");
        }
        return good && is_file(STDERR_FILENO) && is_file(STDOUT_FILENO) && write_text(STDOUT_FILENO, "two\n");
    }));
    CHECK(test::text_of(err).size() == 3'000'000);
    CHECK(test::text_of(out) == "one\ntwo\n");
}

TEST_CASE("where no log lines go, and what is no file, stays as it is") {
    const test::TemporaryFolder folder;
    CHECK(test::in_child([&] {
        ::alarm(kEndsWithinSeconds);
        put(STDERR_FILENO, folder.path + "/err");
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
        ::dup2(ends[1], STDOUT_FILENO);
        struct stat before{}, after{};
        ::fstat(STDOUT_FILENO, &before);
        kernel::LogFiles files{false, true};
        if (!files.take()) return false;
        ::fstat(STDOUT_FILENO, &after);
        return is_file(STDERR_FILENO) && before.st_ino == after.st_ino;
    }));
}

TEST_CASE("a process that outlives its parent goes on writing to the file that was given back") {
    const test::TemporaryFolder folder;
    const std::string err = folder.path + "/err";
    CHECK(test::in_child([&] {
        ::alarm(kEndsWithinSeconds);
        put(STDERR_FILENO, err);
        kernel::LogFiles files{true, false};
        if (!files.take()) return false;
        std::array<int, 2> given{}, wrote{};
        if (::pipe(given.data()) != 0 || ::pipe(wrote.data()) != 0) return false;
        const int child = ::fork();
        char byte = 'x';
        if (child == 0) {
            const bool good = ::read(given[0], &byte, 1) == 1 && is_pipe(STDERR_FILENO) &&
                              write_text(STDERR_FILENO, "the child's\n") && ::write(wrote[1], &byte, 1) == 1;
            ::_exit(good ? 0 : 1);
        }
        files.give_back();
        const bool back = is_file(STDERR_FILENO) && write_text(STDERR_FILENO, "the parent's\n");
        if (::write(given[1], &byte, 1) != 1 || ::read(wrote[0], &byte, 1) != 1) return false;
        return back && files.take().has_value() && is_pipe(STDERR_FILENO) && write_text(STDERR_FILENO, "again\n");
    }));
    // Two processes have written it.
    CHECK(text_with(err, "the child's\n").contains("the child's\n"));
    CHECK(text_with(err, "again\n").contains("again\n"));
    CHECK(test::text_of(err).starts_with("the parent's\n"));
}

TEST_CASE("a writer that was killed is started again, and what was written meanwhile is in the file") {
    const test::TemporaryFolder folder;
    const std::string err = folder.path + "/err";
    CHECK(test::in_child([&] {
        ::alarm(kEndsWithinSeconds);
        put(STDERR_FILENO, err);
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // the writer becomes this process's child
        kernel::LogFiles files{true, false};
        if (!files.take() || files.restart_ended() != 0) return false;
        const std::string children = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
        const pid_t writer = std::stoi(test::text_of(children));
        if (::kill(writer, SIGKILL) != 0 || ::waitpid(writer, nullptr, 0) != writer) return false;
        const bool wrote = write_text(STDERR_FILENO, "meanwhile\n");
        return wrote && files.restart_ended() == 1 && files.restart_ended() == 0;
    }));
    CHECK(text_with(err, "meanwhile\n") == "meanwhile\n");
}
