"""Routes of the tracker."""
