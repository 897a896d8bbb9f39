import ArgumentParser
import FleetProtocol

struct InventoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inventory", abstract: "Tell Ansible which devices there are, and how to reach them.",
    usage: "fleet inventory (--list | --host NAME) [SELECTOR...]",
    discussion: """
      A dynamic inventory. Ansible runs a script with --list; 'fleet-inventory' is installed beside this program and \
      does nothing else than this command. Groups are state_STATE, tag_KEY and tag_KEY_VALUE, with '_' for what a \
      group's name may not have, and untagged.

      EXAMPLE
        ansible -i $(command -v fleet-inventory) all -m ping
        ansible-playbook -i $(command -v fleet-inventory) --limit 'tag_site_berlin:&state_online' update.yml
        fleet inventory --list 'kitchen-*' | jq
      """)

  @Flag(help: "Print every group, and the variables of every device.")
  var list = false

  @Option(help: ArgumentHelp("Print the variables of one device.", valueName: "name"))
  var host: String?

  @Argument(help: ArgumentHelp("Which devices; all by default.", valueName: "selector"))
  var selectors: [String] = []

  func run() throws {
    let selector = try DeviceSelector(selectors)
    guard list != (host != nil) else {
      throw Refusal(.usage, "say either --list or --host NAME", hint: Self.configuration.usage)
    }
    let context = try LaptopContext()
    guard let program = Platform.executablePath else {
      throw Refusal(.ioFailed, "the system does not tell where the program fleet is")
    }
    let way = AnsibleInventory.Way(program: program, host: context.host)
    if let host {
      let name = try DeviceName(validating: host)
      return try StandardStreams.print(AnsibleInventory.host(context.hostA.show(name).device, way: way))
    }
    let devices = try context.hostA.select(selector).devices
    let groups = AnsibleGroups(devices)
    for (name, tags) in groups.renamed.sorted(by: { $0.key < $1.key }) {
      let tags = tags.map { DisplayText.escaped($0) }.joined(separator: "' and '")
      StandardStreams.note("fleet: the tags '\(tags)' would both be the group \(name); each has its own, \(name)_...")
    }
    try StandardStreams.print(AnsibleInventory.list(devices, groups: groups, way: way))
  }
}
