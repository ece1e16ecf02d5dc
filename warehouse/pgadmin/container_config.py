"""pgAdmin's configuration in docker-compose.yml's container; replaces the file that its image would write."""

CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
LOG_FILE = "/dev/null"
HELP_PATH = "../../docs"
DEFAULT_BINARY_PATHS = {"pg": "/usr/local/pgsql-18", "pg-18": "/usr/local/pgsql-18"}
ENABLE_SERVER_PASS_EXEC_CMD = True  # reads the read-only login's password from a mounted file
MASTER_PASSWORD_REQUIRED = False  # protects stored passwords, and none is stored
UPGRADE_CHECK_ENABLED = False
SHOW_GRAVATAR_IMAGE = False
LLM_ENABLED = False
