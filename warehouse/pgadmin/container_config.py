"""What pgAdmin reads in docker-compose.yml's container, in place of the file that its image would write itself."""

CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
LOG_FILE = "/dev/null"
HELP_PATH = "../../docs"
DEFAULT_BINARY_PATHS = {"pg": "/usr/local/pgsql-18", "pg-18": "/usr/local/pgsql-18"}
ENABLE_SERVER_PASS_EXEC_CMD = True  # the read-only login's password is a file that the container is handed
MASTER_PASSWORD_REQUIRED = False  # no password is kept that one would have to guard
UPGRADE_CHECK_ENABLED = False
SHOW_GRAVATAR_IMAGE = False
LLM_ENABLED = False
