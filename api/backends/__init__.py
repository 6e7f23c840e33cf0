"""What programs run on: engines, servers, providers, scripts for tests."""
