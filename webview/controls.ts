/**
 * The only module that knows the widget library, so that it can be replaced in one place: it is no longer
 * maintained by its authors.
 */
import { provideVSCodeDesignSystem, vsCodeButton } from '@vscode/webview-ui-toolkit';

export function registerControls(): void {
  provideVSCodeDesignSystem().register(vsCodeButton());
}

/**
 * The library's button keeps the real one in its shadow root, where an id of the page means nothing; an
 * element reference reaches across.
 */
export function describeControl(control: Element, description: Element): void {
  const button = control.shadowRoot?.querySelector('button');
  if (button) button.ariaDescribedByElements = [description];
}
