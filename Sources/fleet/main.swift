import FleetProtocol

print(FleetVersion.current)
