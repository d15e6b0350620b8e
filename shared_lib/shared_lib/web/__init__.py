"""What every web page of the platform needs: which requests may change something."""
