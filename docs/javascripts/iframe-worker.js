// Browsers refuse workers to pages that are opened from a disk, and the search runs in one. There,
// a hidden frame does its work.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.waiting = [];
      this.frame.onload = () => {
        const inner = this.frame.contentWindow;
        const inside = inner.document;
        // The script posts to its owner, and loads further scripts before it goes on.
        inner.postMessage = (data) => this.answer(data);
        inner.importScripts = (...urls) => {
          for (const each of urls) {
            const script = inside.createElement("script");
            script.src = each;
            script.async = false;
            inside.head.append(script);
          }
        };
        const script = inside.createElement("script");
        script.src = url;
        script.onload = () => {
          this.inner = inner;
          this.waiting.splice(0).forEach((data) => this.postMessage(data));
        };
        inside.head.append(script);
      };
      this.frame.srcdoc = "<!doctype html>";
      document.body.append(this.frame);
    }

    postMessage(data) {
      if (this.inner) {
        this.inner.dispatchEvent(new MessageEvent("message", { data }));
      } else {
        this.waiting.push(data);
      }
    }

    answer(data) {
      const event = new MessageEvent("message", { data });
      this.dispatchEvent(event);
      if (this.onmessage) {
        this.onmessage(event);
      }
    }

    terminate() {
      this.frame.remove();
    }
  };
}
