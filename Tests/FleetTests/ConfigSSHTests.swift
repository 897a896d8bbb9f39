import Foundation
import Testing

@testable import fleet

/// `fleet config-ssh` by the built program, on the files of a home of its own.
@Suite struct ConfigSSHTests {
  private func fleet(_ home: String, _ arguments: String...) throws -> Subprocess.Outcome {
    try Subprocess.run(["env", "-u", "XDG_STATE_HOME", "HOME=\(home)", Built.fleet, "config-ssh"] + arguments)
  }

  /// Every file and folder below, with permissions, where links lead, and content.
  private func tree(_ folder: String) throws -> String {
    let script =
      "cd \"$1\" && find . -path ./.local -prune -o -printf '%p %m %l\\n' | sort; "
      + "find \"$1\" -path \"$1/.local\" -prune -o -type f -print | sort | xargs -r sha256sum"
    return try Subprocess.run(["sh", "-c", script, "sh", folder]).text
  }

  @Test(arguments: [nil, "", "Host *\n  User bob", "# é\r\nHost x\r\n\n"])
  func whatItTakesOutIsWhatItPutIn(_ content: String?) throws {
    try Scratch.with { folder in
      let home = "\(folder)/my home"
      try FileStore.makeFolder(home)
      let file = "\(home)/.ssh/config"
      if let content { try FileStore.replace(file, with: content.utf8, mode: 0o644) }
      let before = try tree(home)
      let line = "Include \"\(home)/.local/state/fleet/ssh_config\"\n"

      let rehearsed = try fleet(home, "--dry-run")
      #expect(rehearsed.status == 0 && rehearsed.text.contains("\n+\(line)"), "\(rehearsed.errorText)")
      #expect(try tree(home) == before && !FileStore.exists("\(home)/.local"))
      for _ in 0..<2 {
        let outcome = try fleet(home)
        #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome.errorText)")
        #expect(try FileStore.content(of: file) == Array((line + (content ?? "")).utf8))
        #expect(FileStore.mode(of: file) == (content == nil ? 0o600 : 0o644))
        #expect(FileStore.mode(of: "\(home)/.local/state/fleet/ssh_config") == 0o600)
      }
      #expect(try fleet(home, "--dry-run").errorText == "nothing would change\n")
      #expect(try fleet(home, "--remove", "--dry-run").text.contains("\n-\(line)"))
      #expect(try fleet(home, "--remove").status == 0)
      #expect(try tree(home) == before)
      #expect(FileStore.names(in: "\(home)/.local/state/fleet").isEmpty)
      #expect(try fleet(home, "--remove").errorText == "nothing to remove\n")
    }
  }

  @Test func aLinkIsFollowedAndWhatWasAddedMeanwhileStays() throws {
    try Scratch.with { folder in
      try FileStore.replace("\(folder)/dotfiles/ssh", with: "Host a\n".utf8)
      try FileStore.makeFolder("\(folder)/.ssh")
      #expect(symlink("../dotfiles/ssh", "\(folder)/.ssh/config") == 0)
      let before = try tree(folder)
      #expect(try fleet(folder).status == 0)
      #expect(FileStore.isLink("\(folder)/.ssh/config"))
      #expect(
        String(decoding: try FileStore.content(of: "\(folder)/dotfiles/ssh") ?? [], as: UTF8.self).hasSuffix(
          "\"\nHost a\n"))
      #expect(try fleet(folder, "--remove").status == 0)
      #expect(try tree(folder) == before)

      unlink("\(folder)/dotfiles/ssh")
      let nowhere = try fleet(folder)
      #expect(nowhere.status == 1 && nowhere.errorText.contains("leads nowhere"), "\(nowhere.errorText)")
      unlink("\(folder)/.ssh/config")
      #expect(try fleet(folder).status == 0)
      let file = "\(folder)/.ssh/config"
      try FileStore.replace(file, with: (try FileStore.content(of: file) ?? []) + Array("Host mine\n".utf8))
      #expect(try fleet(folder, "--remove").status == 0)
      #expect(try FileStore.content(of: file) == Array("Host mine\n".utf8))
    }
  }

  @Test func whatCannotBeIsRefusedAndChangesNothing() throws {
    try Scratch.with { folder in
      let home = "\(folder)/100%"
      try FileStore.makeFolder(home)
      let refused = try fleet(home)
      #expect(refused.status == 2 && refused.errorText.contains("cannot name"), "\(refused.errorText)")
      #expect(FileStore.names(in: home).isEmpty)
      #expect(try fleet(folder, "--print", "--remove").status == 2)
      // An ssh that is too old for the block would refuse every host from then on.
      try FileStore.replace(
        "\(folder)/bin/ssh", with: "#!/bin/sh\necho 'Bad configuration option' >&2; exit 255\n".utf8, mode: 0o700)
      let old = try Subprocess.run(
        [
          "env", "-u", "XDG_STATE_HOME", "HOME=\(folder)", "PATH=\(folder)/bin:/usr/bin:/bin", Built.fleet,
          "config-ssh",
        ])
      #expect(old.status == 1 && old.errorText.contains("Bad configuration option"), "\(old.errorText)")
      #expect(!FileStore.exists("\(folder)/.ssh") && !FileStore.exists("\(folder)/.local/state/fleet/ssh_config"))
    }
  }
}
