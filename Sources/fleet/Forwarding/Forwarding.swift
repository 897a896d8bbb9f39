import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `fleet forward` from its beginning to Ctrl-C.
struct Forwarding {
  let line: SSHCommandLine
  let ports: [ForwardedPort]
  let opensBrowser: Bool
  /// Whether a device that is away is waited for.
  let keeps: Bool
  let context: LaptopContext

  /// Returns only by throwing, or ends by the signal that ends it.
  func run() throws(Refusal) -> Never {
    var failures = 0
    var hasOpened = false
    while true {
      do throws(Refusal) {
        let end = try session {
          failures = 0
          if opensBrowser, !hasOpened { openBrowser() }
          hasOpened = true
        }
        guard end.wasListening else { throw end.refusal }
        throw end.refusal(hostA: reasonOfHostA())
      } catch {
        guard keeps, ForwardRetry.mayPass(error) else { throw error }
        if failures == 0 { StandardStreams.note("fleet: \(error.message); waiting for \(line.device)") }
        let interruption = try Interruption()
        if interruption.wait(ForwardRetry.delay(failures: failures)) { interruption.end() }
        failures += 1
      }
    }
  }

  private func session(whenListening: () -> Void) throws(Refusal) -> ForwardEnd {
    guard let program = Platform.executablePath else {
      throw Refusal(.ioFailed, "the system does not tell where the program fleet is")
    }
    let connection = try DeviceConnection.open(line.device, host: context.host, paths: context.paths)
    let interruption = try Interruption()
    let socket = try DescriptorHandover.offer(connection.socket, program: program)
    // From now on it belongs to ssh alone, so that it ends with ssh.
    connection.socket.close()
    // ssh has its local command run by the shell of this variable, which may be none that knows echo.
    setenv("SHELL", "/bin/sh", 1)
    let session = ForwardSession(
      device: line.device,
      arguments: DeviceSSHArguments.ssh(
        line, defaultUser: connection.header.user.rawValue, name: connection.name, program: program,
        over: .connection(handover: socket, staying: nil)))
    let end = try session.run(until: interruption) { () throws(Refusal) in
      for port in ports { try StandardStreams.print(port.sentence(line.device) + "\n") }
      StandardStreams.note("until Ctrl-C")
      whenListening()
    }
    guard let end else { interruption.end() }
    return end
  }

  /// Why the connection was lost, as HostA has it; `nil` when the device answers again.
  private func reasonOfHostA() -> Refusal? {
    do throws(Refusal) {
      _ = try DeviceConnection.open(line.device, host: context.host, paths: context.paths)
      return nil
    } catch { return error }
  }

  private func openBrowser() {
    let url = ports[0].url
    do throws(Refusal) {
      let null = try Descriptor.open("/dev/null", O_RDWR)
      // The Ctrl-C that ends this ends no browser.
      _ = try Subprocess.spawn([Platform.browserOpener, url], [0: null, 1: null, 2: null], isDetached: true)
    } catch { StandardStreams.note("fleet: \(error.message); open \(url)") }
  }
}
