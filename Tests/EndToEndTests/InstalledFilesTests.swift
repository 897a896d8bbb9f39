import Foundation
import Testing

/// What `make install` installs beside the programs, and that a manual page says all that its program does.
@Suite struct InstalledFilesTests {
  @Test func makeInstallsManualsAndCompletionsAndTakesThemAway() throws {
    let folder = Scratch.folder.appending(path: "install-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let root = folder.appending(path: "root")
    func make(_ target: String) throws {
      let outcome = try Tool.run([
        "make", "-C", Checkout.folder.path, "--old-file", "build", target, "PREFIX=/usr", "DESTDIR=\(root.path)",
        "PROGRAMS=\(Programs.built.path)", "DOCUMENTS=\(folder.appending(path: "documents").path)",
      ])
      #expect(outcome.status == 0, "\(outcome)")
    }
    try make("install")
    let share = root.appending(path: "usr/share")
    for file in [
      "man/man1/fleet.1", "man/man8/fleet-agent.8", "man/man8/fleet-server.8", "man/man5/fleet-agent.json.5",
      "man/man5/fleet-config.5", "man/man5/fleet-devices.csv.5", "bash-completion/completions/fleet-server",
      "zsh/site-functions/_fleet", "fish/vendor_completions.d/fleet-agent.fish", "../bin/fleet-inventory",
    ] {
      #expect(FileManager.default.fileExists(atPath: share.appending(path: file).path), "\(file)")
    }
    try theManualsSayEverything(share.appending(path: "man"))
    try theShellsUnderstandTheirs(share)

    // What is somebody else's stays.
    try Data().write(to: share.appending(path: "man/man5/other.5"))
    try make("uninstall")
    let left = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
    #expect(
      left.filter { !$0.hasSuffix("other.5") }.sorted() == ["usr", "usr/share", "usr/share/man", "usr/share/man/man5"])
  }

  private func theManualsSayEverything(_ man: URL) throws {
    let pages = try FileManager.default.subpathsOfDirectory(atPath: man.path).filter { $0.contains("/") }
    #expect(pages.count == 6)
    for page in pages {
      guard Tool.path("mandoc") != nil else { break }
      let outcome = try Tool.run(["mandoc", "-T", "lint", man.appending(path: page).path])
      // Ours are not among the pages of this machine, and this system is not a BSD.
      let complaints = outcome.output.split(separator: "\n").filter {
        !$0.contains("referenced manual not found") && !$0.contains("operating system explicitly specified")
      }
      #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
    }
    for (program, page) in [("fleet", "man1/fleet.1"), ("fleet-server", "man8/fleet-server.8")] {
      let text = try String(contentsOf: man.appending(path: page), encoding: .utf8).replacing("\\-", with: "-")
      let dump = try Tool.run([Programs.path(program), "--experimental-dump-help"]).output
      let root = try #require(
        (try JSONSerialization.jsonObject(with: Data(dump.utf8)) as? [String: Any])?["command"] as? [String: Any])
      var commands = 0
      func look(_ command: [String: Any], _ path: [String]) {
        let shown = (command["subcommands"] as? [[String: Any]] ?? []).filter {
          $0["shouldDisplay"] as? Bool != false && $0["commandName"] as? String != "help"
        }
        for subcommand in shown {
          let path = path + [subcommand["commandName"] as? String ?? "?"]
          let heading = ".Ss \(path.joined(separator: " "))\n"
          guard let begin = text.firstRange(of: heading) else {
            Issue.record("\(page) says nothing of \(path)")
            continue
          }
          commands += 1
          let section = text[begin.upperBound...].components(separatedBy: "\n.Ss ")[0]
          for argument in subcommand["arguments"] as? [[String: Any]] ?? []
          where argument["shouldDisplay"] as? Bool == true {
            for name in argument["names"] as? [[String: Any]] ?? [] {
              let name = ((name["kind"] as? String == "long") ? "-" : "") + (name["name"] as? String ?? "?")
              if ["-help", "h", "-version"].contains(name) { continue }
              #expect(section.contains("Fl \(name)"), "\(page): \(path) \(name)")
            }
          }
          look(subcommand, path)
        }
      }
      look(root, [program])
      #expect(commands > 5)
    }
    let agent = try String(contentsOf: man.appending(path: "man8/fleet-agent.8"), encoding: .utf8)
    let help = try Tool.run([Programs.path("fleet-agent"), "--help"]).output
    for command in help.matches(of: /fleet-agent ([a-z-]+) +(?:\[|--)/) where !command.output.1.hasPrefix("-") {
      #expect(agent.contains(".It Nm Cm \(command.output.1.replacing("-", with: "\\-"))"), "\(command.output.1)")
      for file in ["fleet-agent.bash", "_fleet-agent", "fleet-agent.fish"] {
        let text = try String(contentsOf: Checkout.folder.appending(path: "completions/\(file)"), encoding: .utf8)
        #expect(text.contains(command.output.1), "\(file): \(command.output.1)")
      }
    }
    for option in help.matches(of: /--([a-z]+)/) {
      #expect(agent.contains("Fl \\-\(option.output.1)"), "\(option.output.1)")
    }
  }

  private func theShellsUnderstandTheirs(_ share: URL) throws {
    func files(_ folder: String) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: share.appending(path: folder).path).sorted()
        .map { share.appending(path: "\(folder)/\($0)").path }
    }
    let shells = [
      ("bash", "bash-completion/completions"), ("zsh", "zsh/site-functions"), ("fish", "fish/vendor_completions.d"),
    ]
    for (shell, folder) in shells where Tool.path(shell) != nil {
      let files = try files(folder)
      #expect(files.count == 3)
      for file in files {
        let outcome = try Tool.run([shell, "-n", file])
        #expect(outcome.status == 0 && outcome.error.isEmpty, "\(file): \(outcome)")
      }
    }
  }
}
