import FleetSSH
import Foundation
import Testing
import ThrowawaySSHD

/// The library against a stock sshd.
@Suite struct SessionTests {
  @Test func showsThePinnedHostKey() throws {
    let server = try TestServer()
    defer { server.sshd.stop() }
    let connection = try TestConnection(port: server.sshd.port, hostKeys: .pinned(server.pins))
    let key = try connection.wait { () throws(SSHError) in try connection.session.handshake() }
    #expect(key == server.pins[0])
  }

  @Test func refusesAnotherHostKeyBeforeAuthenticating() throws {
    let server = try TestServer()
    let other = try TestServer()
    defer {
      server.sshd.stop()
      other.sshd.stop()
    }
    let connection = try TestConnection(port: server.sshd.port, hostKeys: .pinned(other.pins))
    #expect(throws: SSHError.hostKeyMismatch(server.pins[0])) {
      try connection.wait { () throws(SSHError) in try connection.session.handshake() }
    }
    // A caller that ignores the error gets no further.
    #expect(throws: SSHError.self) {
      try connection.session.authenticate(account: ThrowawaySSHD.account, privateKey: server.privateKey)
    }
  }

  /// libssh2 itself asks the clock on the wall whether one is due; a device's may stand anywhere, and jump.
  @Test func sendsEachKeepaliveWhateverTheClockSays() throws {
    let server = try TestServer()
    defer { server.sshd.stop() }
    let connection = try TestConnection.authenticated(server)
    for _ in 0..<5 {
      #expect(try connection.session.sendKeepalive())
      try connection.session.flush()
    }
    let channel = try connection.wait { () throws(SSHError) in try connection.session.openSession() }
    try connection.wait { () throws(SSHError) in try channel.execute("echo well") }
    #expect(try connection.readAll(channel) == Array("well\n".utf8))
  }

  @Test func refusesToAuthenticateToALearntKey() throws {
    let server = try TestServer()
    defer { server.sshd.stop() }
    let connection = try TestConnection(port: server.sshd.port, hostKeys: .learn(algorithm: "ssh-ed25519"))
    _ = try connection.wait { () throws(SSHError) in try connection.session.handshake() }
    #expect(throws: SSHError.self) {
      try connection.session.authenticate(account: ThrowawaySSHD.account, privateKey: server.privateKey)
    }
  }

  @Test func tellsAKeyThatIsNotAccepted() throws {
    let server = try TestServer()
    let other = try TestServer()
    defer {
      server.sshd.stop()
      other.sshd.stop()
    }
    let connection = try TestConnection(port: server.sshd.port, hostKeys: .pinned(server.pins))
    _ = try connection.wait { () throws(SSHError) in try connection.session.handshake() }
    do throws(SSHError) {
      while case .wouldBlock = try connection.session.authenticate(
        account: ThrowawaySSHD.account, privateKey: other.privateKey)
      {
        try connection.session.flush()
        connection.pollOnce()
      }
      Issue.record("the key was accepted")
    } catch {
      guard case .authentication = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test func runsACommandWithInputAndBothOutputs() throws {
    let server = try TestServer()
    defer { server.sshd.stop() }
    let connection = try TestConnection.authenticated(server)
    let channel = try connection.wait { () throws(SSHError) in try connection.session.openSession() }
    try connection.wait { () throws(SSHError) in try channel.execute("cat; echo oops >&2") }
    let text = Array("a line\n".utf8)
    #expect(try connection.wait { () throws(SSHError) in try channel.write(bytes: text) } == text.count)
    try connection.wait { () throws(SSHError) in try channel.sendEnd() }
    // The end of one stream shows only once the other was read.
    #expect(
      try connection.wait { () throws(SSHError) in try channel.read(limit: 4096, from: .errors) }
        == Array("oops\n".utf8))
    #expect(try connection.readAll(channel) == text)
    try connection.wait { () throws(SSHError) in try channel.close() }
  }

  @Test func forwardsAPortAndRefusesAnother() throws {
    let port = try ThrowawaySSHD.freePort()
    let options = "restrict,port-forwarding,permitlisten=\"127.0.0.1:\(port)\",permitopen=\"127.0.0.1:\(port)\" "
    let server = try TestServer(keyOptions: options)
    defer { server.sshd.stop() }
    let connection = try TestConnection.authenticated(server)
    let session = connection.session
    let other = port == 65535 ? port - 1 : port + 1
    for (address, port) in [("127.0.0.1", other), ("localhost", port), ("0.0.0.0", port)] {
      #expect(throws: SSHError.self, "\(address):\(port)") {
        try connection.wait { () throws(SSHError) in try session.listen(address: address, port: port) }
      }
    }
    #expect(throws: SSHError.self) {
      try connection.wait { () throws(SSHError) in try session.openDirect(address: "127.0.0.1", port: server.sshd.port)
      }
    }
    let listener = try connection.wait { () throws(SSHError) in
      try session.listen(address: "127.0.0.1", port: port)
    }
    // From HostA's side to the port, and back to us through the listener.
    let out = try connection.wait { () throws(SSHError) in try session.openDirect(address: "127.0.0.1", port: port) }
    let back = try connection.wait { () throws(SSHError) in try listener.accept() }
    #expect(try connection.wait { () throws(SSHError) in try back.write(bytes: [1, 2, 3]) } == 3)
    #expect(try connection.wait { () throws(SSHError) in try out.read(limit: 10) } == [1, 2, 3])
    // Each direction ends on its own.
    try connection.wait { () throws(SSHError) in try out.sendEnd() }
    #expect(try connection.wait { () throws(SSHError) in try back.read(limit: 10) } == [])
    #expect(try connection.wait { () throws(SSHError) in try back.write(bytes: [4]) } == 1)
    #expect(try connection.wait { () throws(SSHError) in try out.read(limit: 10) } == [4])
    #expect(!back.isClosedByPeer)
    session.close()
  }

  @Test(arguments: [
    ("Ciphers", "chacha20-poly1305@openssh.com"), ("KexAlgorithms", "sntrup761x25519-sha512@openssh.com"),
    ("MACs", "hmac-sha2-256-etm@openssh.com"),
  ])
  func namesTheAlgorithmsOfARestrictedServer(option: String, algorithm: String) throws {
    let server = try TestServer(options: ["\(option) \(algorithm)"])
    defer { server.sshd.stop() }
    let connection = try TestConnection(port: server.sshd.port, hostKeys: .pinned(server.pins))
    do {
      _ = try connection.wait { () throws(SSHError) in try connection.session.handshake() }
      Issue.record("the handshake succeeded")
    } catch SSHError.algorithms(let sentence) {
      #expect(sentence.contains(algorithm))
    }
  }

  @Test func tellsWhatAServerSaysThatIsNotSSH() throws {
    let listener = try LoopbackSocket(listeningOn: 0)
    let connection = try TestConnection(port: listener.port, hostKeys: .learn(algorithm: "ssh-ed25519"))
    do {
      let peer = try listener.accept()
      try peer.write(Array("Not allowed at this time\r\n".utf8))
    }
    #expect(throws: SSHError.notSSH("Not allowed at this time")) {
      try connection.wait { () throws(SSHError) in try connection.session.handshake() }
    }
  }

  @Test func sendsKeepalives() throws {
    let server = try TestServer()
    defer { server.sshd.stop() }
    let connection = try TestConnection.authenticated(server)
    #expect(try connection.session.sendKeepalive())
    #expect(connection.session.pendingOutput > 0)
    try connection.session.flush()
    #expect(connection.session.pendingOutput == 0)
  }

  @Test func learnsAllHostKeysOfALocalServer() throws {
    let server = try TestServer(hostKeyTypes: ["ed25519", "ecdsa"])
    defer { server.sshd.stop() }
    #expect(try HostKeyScan.keys(port: server.sshd.port) == server.pins)
  }

  @Test func scanSaysThatNothingListens() throws {
    let port = try ThrowawaySSHD.freePort()
    #expect(throws: SSHError.disconnected("connection refused")) { try HostKeyScan.keys(port: port) }
  }

  @Test func scanGivesUpOnASilentServer() throws {
    let listener = try LoopbackSocket()
    #expect(throws: SSHError.self) { try HostKeyScan.keys(port: listener.port, limit: .milliseconds(200)) }
  }

  @Test func makesDifferentKeys() throws {
    let keys = try (0..<3).map { _ in try Ed25519Key() }
    #expect(Set(keys.map(\.seed)).count == 3)
    #expect(Set(keys.map(\.publicKey)).count == 3)
  }

  /// Lines that are no version may come before it, and from a hostile server they come for ever.
  @Test func aServerThatNeverBeginsToSpeakSSHIsLeft() throws {
    let listener = try LoopbackSocket()
    let talker = Thread {
      guard let peer = try? listener.accept() else { return }
      let lines = Array(String(repeating: "welcome\r\n", count: 1000).utf8)
      while (try? peer.write(lines)) != nil {}
    }
    talker.start()
    defer { listener.shutDown() }
    let connection = try TestConnection(port: listener.port, hostKeys: .learn(algorithm: "ssh-ed25519"))
    let error = #expect(throws: SSHError.self) {
      _ = try connection.wait { () throws(SSHError) in try connection.session.handshake() }
    }
    guard case .notSSH(let line)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(line == "welcome")
  }
}
