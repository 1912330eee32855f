"""`ser mcp`, from a checkout."""

from ser.cli import launch

if __name__ == "__main__":
    launch("mcp")
