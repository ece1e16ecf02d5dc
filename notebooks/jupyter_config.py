"""Configures the Jupyter of `make notebook`: on loopback, with the token that it prints, without network requests."""

c = get_config()  # noqa: F821
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.allow_root = True  # the token protects it, and only root can read a clone that belongs to root
c.KernelManager.transport = "ipc"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
